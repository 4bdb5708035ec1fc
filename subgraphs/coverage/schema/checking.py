"""Asking a payer about eligibility for the record, as a mutation."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.coverage.loaders.checking import (
    NotAskedHereError,
    NotTheirsError,
    RefusedError,
    check,
    is_service_type,
)
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.schema.coverages import Coverage
from subgraphs.coverage.schema.values import EligibilityCheck
from subgraphs.runtime.errors import ClientError
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
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="The payer has answered, and what it said is noted.")
class EligibilityChecked:
    check: EligibilityCheck = strawberry.field(
        description="What it said; also that it does not know the member (`rejections`)."
    )
    coverage: Coverage = strawberry.field(description="About which coverage.")


EligibilityPayload = Annotated[
    EligibilityChecked | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="EligibilityPayload", description="How a check of eligibility can come out."
    ),
]
Payload: TypeAlias = EligibilityChecked | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="What a payer is to be asked.")
class CheckEligibilityInput:
    idempotency_key: str = strawberry.field(
        description="Of the caller's making, another for each intention: sent again, the payer is "
        "not asked again."
    )
    coverage: strawberry.ID = strawberry.field(description="A `Coverage.id`.")
    service_type: str = strawberry.field(
        default="30",
        description="X12 service type code: `30` the plan as a whole, `98` an office visit, … "
        "https://x12.org/codes/service-type-codes",
    )


@strawberry.type
class Checking:
    @mutation(
        requires_scopes=scopes_for("Coverage"),
        description="Ask the payer about a coverage now, and note what it says "
        "(`Coverage.eligibilityChecks`): for the patient and the staff of those who treat or bill "
        "her. Conflicts: `NOT_ASKED_HERE`, where there is nobody to ask "
        "or no number to ask by.",
    )
    async def check_eligibility(
        self,
        info: strawberry.Info,
        input: Annotated[  # noqa: A002 - its public name
            CheckEligibilityInput, strawberry.argument(description="What is to be asked.")
        ],
    ) -> EligibilityPayload | None:
        request: Request[Payers] = info.context
        if not is_service_type(input.service_type):
            raise ClientError(Code.BAD_USER_INPUT, argument="serviceType")
        key = check_key(input.idempotency_key)
        asked = Asked(
            request.access.caller, info.field_name, key, [input.coverage, input.service_type]
        )
        return await _answer(request, asked, input.coverage, input.service_type)


async def _answer(
    request: Request[Payers], asked: Asked, coverage: str, service_type: str
) -> Payload:
    try:
        done = await check(request, asked, coverage, service_type)
    except KeyReusedError:
        return StateConflict.because(Because.KEY_REUSED)
    except NotTheirsError:
        return Denied(
            code=Code.FORBIDDEN.value,
            message="Payers are asked by the patient and by those who treat or bill.",
        )
    except NotAskedHereError:
        return StateConflict(
            code="NOT_ASKED_HERE", message="Nobody can be asked about this coverage from here."
        )
    except RefusedError as refused:
        code = refused.reason or "REFUSED"
        return UpstreamRefused(source=refused.source, code=code, message=str(refused))
    assert done.coverage is not None, "it was asked about one"
    return EligibilityChecked(
        check=EligibilityCheck.of(done), coverage=Coverage.of(request, done.coverage)
    )
