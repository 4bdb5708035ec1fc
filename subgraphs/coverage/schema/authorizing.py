"""Asking a payer for its agreement, and taking the question back, as mutations."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.connectors.fhir.writing import NotConformingError
from subgraphs.coverage.loaders.authorizing import (
    CLAIM,
    ConflictError,
    Done,
    NotTheirsError,
    RefusedError,
    submit,
    withdraw,
)
from subgraphs.coverage.loaders.enclosing import Ordered
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.schema.authorization_values import PriorAuthorizationUrgency
from subgraphs.coverage.schema.checking import Checking
from subgraphs.coverage.schema.prior_authorizations import PriorAuthorization
from subgraphs.coverage.sources.authorization_requests import Service, Wanted
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
from subgraphs.runtime.scalars import Date

MAX_TEXT: Final = 500
MAX_ITEMS: Final = 50
MAX_DOCUMENTS: Final = 10
_CONFLICTS: Final = {
    "ALREADY_WITHDRAWN": "It is withdrawn already.",
    "DENIED": "What the payer has denied is asked for anew.",
    "NOT_ASKED_HERE": "The payer takes no requests from here.",
    "NOT_KEPT_AS_REQUEST": "Only the payer's answer is known, and no request to withdraw.",
}
# What payers call a request that they have already, or that another stands in the way of.
_IN_THE_WAY: Final = frozenset({"conflict", "duplicate"})
_CODES: Final = {"category": re.compile(r"[A-Z0-9]{1,2}"), "place": re.compile(r"\d{2}")}
_ASKED = strawberry.argument(description="What is to be done.")
_KEY = "Of the caller's making, another for each intention: sent again, nothing is done twice."
_MATCH = "The `version` that was read: if it is another by now, nothing is changed."


@strawberry.type(description="The payer has it, and has answered; a pended answer says: later.")
class PriorAuthorizationChanged:
    prior_authorization: PriorAuthorization | None = strawberry.field(
        description="As the payer answered; null for who may ask and not read."
    )


PriorAuthorizationPayload = Annotated[
    PriorAuthorizationChanged | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="PriorAuthorizationPayload",
        description="How a request for prior authorization, or its withdrawal, can come out.",
    ),
]
Payload: TypeAlias = PriorAuthorizationChanged | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="A code of a code system.")
class CodeInput:
    system: str = strawberry.field(
        description="Its URI: `http://hl7.org/fhir/sid/icd-10-cm`, "
        "`http://www.nlm.nih.gov/research/umls/rxnorm`, "
        "`http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets`, …"
    )
    code: str = strawberry.field(description="The code.")
    display: str | None = strawberry.field(default=None, description="The system's wording.")


@strawberry.input(description="A service, a device or a drug that the payer is asked about.")
class PriorAuthorizationItemInput:
    service: CodeInput | None = strawberry.field(
        default=None, description="What it is; left out, the drug that was ordered."
    )
    order: strawberry.ID | None = strawberry.field(
        default=None,
        description="The `MedicationRequest.id` it carries out. The payer is told the drug, the "
        "dosage and the amount, and nothing else of it.",
    )
    quantity: Decimal | None = strawberry.field(default=None, description="How much of it.")
    unit: str | None = strawberry.field(
        default=None, description="Of what, in words: `visits`, `h`, `tablets`."
    )
    start: Date | None = strawberry.field(default=None, description="From when on.")
    end: Date | None = strawberry.field(default=None, description="Until when.")
    category: str | None = strawberry.field(
        default=None,
        description="The type of service: https://codesystem.x12.org/005010/1365, for example `12` "
        "durable medical equipment, `88` pharmacy.",
    )
    place: str | None = strawberry.field(
        default=None,
        description="Where: a place of service code of CMS, for example `11` office, `12` home.",
    )


@strawberry.input(description="What a payer is to agree to beforehand.")
class SubmitPriorAuthorizationInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    coverage: strawberry.ID = strawberry.field(
        description="The `Coverage.id` that is to pay: its payer is asked."
    )
    items: list[PriorAuthorizationItemInput] = strawberry.field(
        description="What for, in order: at most 50."
    )
    diagnoses: list[CodeInput] = strawberry.field(
        default_factory=list, description="Why: ICD-10-CM, the main one first; at most 12."
    )
    urgency: PriorAuthorizationUrgency = strawberry.field(
        default=PriorAuthorizationUrgency.STANDARD, description="How fast it is needed."
    )
    type: str = strawberry.field(
        default="professional",
        description="`professional`, `institutional`, `pharmacy`, `oral` or `vision`; "
        "http://terminology.hl7.org/CodeSystem/claim-type",
    )
    message: str | None = strawberry.field(
        default=None, description="To the payer, in words: at most 500 characters."
    )
    documents: list[strawberry.ID] = strawberry.field(
        default_factory=list,
        description="What goes along, whole: each a `DocumentReference.id` or a "
        "`QuestionnaireResponse.id` of the patient's; at most 10, and 8,000,000 bytes in all.",
    )


@strawberry.input(description="A request that is asked no more.")
class WithdrawPriorAuthorizationInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    prior_authorization: strawberry.ID = strawberry.field(description="A `PriorAuthorization.id`.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


def _writing(letter: str) -> list[list[str]]:
    return [[f"user/{CLAIM}.{letter}"]]


@strawberry.type(description="What changes something.")
class Mutation(Checking):
    @mutation(
        requires_scopes=_writing("c"),
        description="Ask a payer for its agreement: for clinicians and billers. Conflicts: "
        "`NOT_ASKED_HERE`, `DUPLICATE`, where the payer has it already.",
    )
    async def submit_prior_authorization(
        self,
        info: strawberry.Info,
        input: Annotated[SubmitPriorAuthorizationInput, _ASKED],  # noqa: A002 - its public name
    ) -> PriorAuthorizationPayload | None:
        request: Request[Payers] = info.context
        items, wanted = _items(input), _wanted(input)
        if len(input.documents) > MAX_DOCUMENTS:
            raise ClientError(Code.BAD_USER_INPUT, argument="documents", maximum=MAX_DOCUMENTS)
        papers = [str(each) for each in dict.fromkeys(input.documents)]
        asked = _asked(info, input)
        return await _answer(
            info, lambda: submit(request, asked, input.coverage, items, papers, wanted)
        )

    @mutation(
        requires_scopes=_writing("u"),
        description="Take a request back, whole: for clinicians and billers. Conflicts: "
        "`ALREADY_WITHDRAWN`, `DENIED`, `NOT_ASKED_HERE`, `NOT_KEPT_AS_REQUEST`.",
    )
    async def withdraw_prior_authorization(
        self,
        info: strawberry.Info,
        input: Annotated[WithdrawPriorAuthorizationInput, _ASKED],  # noqa: A002 - its public name
    ) -> PriorAuthorizationPayload | None:
        request: Request[Payers] = info.context
        asked = _asked(info, input)
        return await _answer(
            info, lambda: withdraw(request, asked, input.prior_authorization, input.if_match)
        )


def _asked(
    info: strawberry.Info, given: SubmitPriorAuthorizationInput | WithdrawPriorAuthorizationInput
) -> Asked:
    key = check_key(given.idempotency_key)
    # msgspec writes neither Strawberry's enums nor decimals of its inputs.
    return Asked(info.context.access.caller, info.field_name, key, repr(strawberry.asdict(given)))


def _items(given: SubmitPriorAuthorizationInput) -> list[Ordered]:
    if not 0 < len(given.items) <= MAX_ITEMS:
        raise ClientError(Code.BAD_USER_INPUT, argument="items", maximum=MAX_ITEMS)
    return [_item(each) for each in given.items]


def _item(given: PriorAuthorizationItemInput) -> Ordered:
    if given.service is None and given.order is None:
        raise ClientError(Code.BAD_USER_INPUT, argument="service")
    if given.quantity is not None and given.quantity <= 0:
        raise ClientError(Code.BAD_USER_INPUT, argument="quantity")
    for name, pattern in _CODES.items():
        value = getattr(given, name)
        if value is not None and not pattern.fullmatch(value):
            raise ClientError(Code.BAD_USER_INPUT, argument=name)
    service = Service(
        code=_code(given.service) if given.service else {},
        quantity=given.quantity,
        unit=_text("unit", given.unit),
        start=given.start,
        end=given.end,
        category=given.category,
        place=given.place,
    )
    return Ordered(service, given.order)


def _wanted(given: SubmitPriorAuthorizationInput) -> Wanted:
    if len(given.diagnoses) > _MAX_DIAGNOSES:
        raise ClientError(Code.BAD_USER_INPUT, argument="diagnoses", maximum=_MAX_DIAGNOSES)
    return Wanted(
        services=(),
        diagnoses=[_code(each) for each in given.diagnoses],
        expedited=given.urgency is PriorAuthorizationUrgency.EXPEDITED,
        claim_type=given.type,
        message=_text("message", given.message),
    )


_MAX_DIAGNOSES: Final = 12
"""As many as X12 278 takes."""


def _code(given: CodeInput) -> dict[str, str]:
    display = _text("display", given.display)
    if not given.system or not given.code or max(map(len, (given.system, given.code))) > MAX_TEXT:
        raise ClientError(Code.BAD_USER_INPUT, argument="code")
    shown = {"display": display} if display else {}
    return {"system": given.system, "code": given.code, **shown}


def _text(argument: str, given: str | None) -> str | None:
    text = (given or "").strip()
    if len(text) > MAX_TEXT:
        raise ClientError(Code.BAD_USER_INPUT, argument=argument, maximum=MAX_TEXT)
    return text or None


def _refusal(refused: RefusedError) -> Payload:
    payload = UpstreamRefused.of(refused.source, refused.refusal)
    if payload.code in _IN_THE_WAY:
        return StateConflict(code=payload.code.upper(), message="The payer has it already.")
    return payload


async def _answer(info: strawberry.Info, do: Callable[[], Awaitable[Done]]) -> Payload:
    """What came out, as data."""
    try:
        done = await do()
    except NotTheirsError:
        return Denied(
            code=Code.FORBIDDEN.value, message="Payers are asked by clinicians and billers."
        )
    except KeyReusedError:
        return StateConflict.because(Because.KEY_REUSED)
    except ConflictError as conflict:
        if conflict.code == Because.STALE:
            return StateConflict.because(Because.STALE)
        return StateConflict(code=conflict.code, message=_CONFLICTS[conflict.code])
    except NotConformingError as wrong:
        raise ClientError(Code.BAD_USER_INPUT, elements=list(wrong.elements)) from None
    except RefusedError as refused:
        return _refusal(refused)
    fact = done.authorization
    shown = PriorAuthorization.of(info.context, fact) if fact else None
    return PriorAuthorizationChanged(prior_authorization=shown)
