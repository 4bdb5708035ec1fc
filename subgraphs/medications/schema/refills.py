"""Requests for refills, and the asking for one."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.medications.loaders import Medications
from subgraphs.medications.model import RefillTask
from subgraphs.medications.refills import (
    TASK,
    ConflictError,
    NotTheirsError,
    ask_refill,
    prescription_of,
)
from subgraphs.medications.schema.later import RequestOfFact
from subgraphs.runtime.creating import RefusedError
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import FactNode, common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.mutations import (
    Because,
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    UpstreamRefused,
    check_key,
    mutation,
)
from subgraphs.runtime.naming import Party, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for

MAX_NOTE: Final = 500
_CONFLICTS: Final = {
    "NOT_ACTIVE": "The prescription is not active.",
    "NOT_ASKED_HERE": "Its source takes no requests for refills.",
}


@federation.type(
    requires_scopes=scopes_for(TASK),
    description="A request for a refill, until somebody has seen to it. "
    "https://hl7.org/fhir/R4/task.html",
)
class RefillRequest(FactNode):
    status: str | None = strawberry.field(
        description="`requested`, `accepted`, `rejected`, `completed`, …; "
        "http://hl7.org/fhir/task-status"
    )
    requested_at: DateTime | None = strawberry.field(description="When it was asked for.")
    requester: Party | None = strawberry.field(description="Who asked.")
    owner: Party | None = strawberry.field(description="Who is to see to it.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @federation.field(
        requires_scopes=scopes_for("MedicationRequest"),
        description="The prescription it is about.",
    )
    async def prescription(self, info: strawberry.Info) -> RequestOfFact | None:
        from subgraphs.medications.schema.types import MedicationRequest  # noqa: PLC0415 - it waits

        request: Request[Medications] = info.context
        found = await prescription_of(request, self.fact)
        return MedicationRequest.of(request, found) if found else None

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[RefillTask]) -> RefillRequest:
        record = fact.resource
        return cls(
            **common(fact),
            status=record.status,
            requested_at=date_time(record.authored_on),
            requester=party_of(fact, lambda task: task.requester),
            owner=party_of(fact, lambda task: task.performer),
            notes=[note.text for note in record.note if note.text],
        )


@strawberry.type(description="The refill was asked for.")
class RefillRequested:
    request: RefillRequest | None = strawberry.field(
        description="As it is kept; null for who may ask and not read."
    )


RequestRefillPayload = Annotated[
    RefillRequested | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="RequestRefillPayload", description="How asking for a refill can come out."
    ),
]
Payload: TypeAlias = RefillRequested | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="A prescription to be refilled.")
class RequestRefillInput:
    idempotency_key: str = strawberry.field(
        description="Of the caller's making, another for each intention: sent again, nothing is "
        "done twice."
    )
    medication_request: strawberry.ID = strawberry.field(
        description="The `MedicationRequest.id` of an active prescription."
    )
    note: str | None = strawberry.field(
        default=None, description="For whoever sees to it: at most 500 characters."
    )


@strawberry.type(description="What changes something.")
class Mutation:
    @mutation(
        requires_scopes=[[f"{level}/{TASK}.c"] for level in ("patient", "user")],
        description="Ask for a refill: the patient herself, or who treats her. Conflicts: "
        "`NOT_ACTIVE`, `NOT_ASKED_HERE`.",
    )
    async def request_refill(
        self,
        info: strawberry.Info,
        input: Annotated[  # noqa: A002 - its public name
            RequestRefillInput, strawberry.argument(description="Of what.")
        ],
    ) -> RequestRefillPayload | None:
        request: Request[Medications] = info.context
        note = (input.note or "").strip()
        if len(note) > MAX_NOTE:
            raise ClientError(Code.BAD_USER_INPUT, argument="note", maximum=MAX_NOTE)
        key = check_key(input.idempotency_key)
        caller = request.access.caller
        asked = Asked(caller, info.field_name, key, strawberry.asdict(input))
        try:
            fact = await ask_refill(request, asked, input.medication_request, note or None)
        except NotTheirsError:
            return Denied(
                code=Code.FORBIDDEN.value,
                message="Refills are asked for by the patient, or by those who treat her.",
            )
        except ConflictError as conflict:
            return StateConflict(code=conflict.code, message=_CONFLICTS[conflict.code])
        except KeyReusedError:
            return StateConflict.because(Because.KEY_REUSED)
        except RefusedError as refused:
            return UpstreamRefused.of(refused.source, refused.refusal)
        return RefillRequested(request=RefillRequest.of(info.context, fact) if fact else None)
