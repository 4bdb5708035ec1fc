"""What patients direct, and what clinicians do in an emergency, as mutations."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Final, TypeAlias

import strawberry
from strawberry.federation.schema_directives import RequiresScopes

from contract.errors import Code
from subgraphs.governance import acting, breaking, model
from subgraphs.governance.acting import Intention, NotPermittedError, Stopped
from subgraphs.governance.breaking import AlreadyReviewedError
from subgraphs.governance.loaders import (
    CONSENT,
    GRANT,
    HELD,
    Governance,
    find_consents,
    find_grants,
    find_held,
    opened_patient,
)
from subgraphs.governance.schema.consents import Consent
from subgraphs.governance.schema.patient import BreakGlassGrant
from subgraphs.governance.schema.values import ConsentProvisionInput, provision_of
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.mutations import (
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    check_key,
    mutation,
)
from subgraphs.runtime.request import Request

_ASKED = strawberry.argument(description="What is to be done.")
_KEY = "Of the caller's making, another for each intention: sent again, nothing is done twice."
_MATCH = "The `version` that was read: if it is another by now, nothing is changed."
DIRECTING: Final = "consent"
"""The policy of those who may decide about a patient's record, before it is asked about which."""


@strawberry.type(description="It was recorded, and is followed from now on.")
class ConsentRecorded:
    consent: Consent | None = strawberry.field(
        description="As it stands now; null without a scope to read consents."
    )


ConsentPayload = Annotated[
    ConsentRecorded | StateConflict | Denied | NotFound | InvalidInput,
    strawberry.union(
        name="ConsentPayload", description="How it can come out when a patient directs something."
    ),
]


@strawberry.input(description="What a patient directs.")
class RecordConsentInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    patient: strawberry.ID = strawberry.field(description="Whose records it is about.")
    provision: ConsentProvisionInput = strawberry.field(description="What it says.")
    consent: strawberry.ID | None = strawberry.field(
        default=None, description="The one it takes the place of, as its next version."
    )
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.input(description="What is no longer to hold.")
class RevokeConsentInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    consent: strawberry.ID = strawberry.field(description="The one to revoke.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.type(description="What is closed is open to the caller now; the review is to come.")
class GlassBroken:
    grant: BreakGlassGrant | None = strawberry.field(
        description="What was granted; null without a scope to read audit events."
    )


@strawberry.type(description="The review was noted.")
class BreakGlassReviewed:
    grant: BreakGlassGrant | None = strawberry.field(
        description="As it stands now; null without a scope to read audit events."
    )


BreakGlassPayload = Annotated[
    GlassBroken | StateConflict | Denied | NotFound | InvalidInput,
    strawberry.union(
        name="BreakGlassPayload", description="How it can come out when somebody breaks the glass."
    ),
]
ReviewBreakGlassPayload = Annotated[
    BreakGlassReviewed | StateConflict | Denied | NotFound | InvalidInput,
    strawberry.union(
        name="ReviewBreakGlassPayload", description="How a review of broken glass can come out."
    ),
]


@strawberry.input(description="An emergency.")
class BreakGlassInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    patient: strawberry.ID = strawberry.field(description="Whose closed records are needed.")
    reason: str = strawberry.field(
        description="Why, for the privacy officer who reviews it and for the patient: at most "
        "1,000 characters."
    )
    minutes: int = strawberry.field(
        default=60, description="For how long: at most 240, four hours."
    )


@strawberry.input(description="What a privacy officer makes of broken glass.")
class ReviewBreakGlassInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    grant: strawberry.ID = strawberry.field(description="A `BreakGlassGrant.id`.")
    verdict: model.Verdict = strawberry.field(description="Whether it was justified.")
    comment: str = strawberry.field(description="Why: at most 1,000 characters.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


def _writing(letter: str) -> RequiresScopes:
    levels = ("patient", "user", "system")
    return RequiresScopes(scopes=[[f"{level}/{CONSENT}.{letter}"] for level in levels])


@strawberry.type(description="What changes something.")
class Mutation:
    @mutation(
        policy=[[DIRECTING]],
        directives=[_writing("c")],
        description="Record what a patient directs: by herself, by a proxy (who can close "
        "records and open none), or by a clerk who has it from her. It is followed from the next "
        "answer on.",
    )
    async def record_consent(
        self,
        info: strawberry.Info,
        input: Annotated[RecordConsentInput, _ASKED],  # noqa: A002 - its public name
    ) -> ConsentPayload | None:
        request: Request[Governance] = info.context
        provision = provision_of(input.provision, request.services.configured)
        replaced = await _found(request, input.consent) if input.consent else None
        if isinstance(replaced, StateConflict):
            return replaced
        patient = patient_of(request, input.patient)
        intention = _intention(info, input)
        return await _payload(
            request, acting.record_consent(request, intention, patient, provision, replaced)
        )

    @mutation(
        policy=[[DIRECTING]],
        directives=[_writing("u")],
        description="Revoke a consent: what it opened is closed, and what it closed is open, from "
        "the next answer on, subscriptions included. It stays readable as revoked. Conflicts: "
        "`HELD_BY_SOURCE` for one that a source holds.",
    )
    async def revoke_consent(
        self,
        info: strawberry.Info,
        input: Annotated[RevokeConsentInput, _ASKED],  # noqa: A002 - its public name
    ) -> ConsentPayload | None:
        request: Request[Governance] = info.context
        consent = await _found(request, input.consent)
        if isinstance(consent, StateConflict):
            return consent
        intention = _intention(info, input)
        return await _payload(request, acting.revoke_consent(request, intention, consent))

    @mutation(
        policy=[["break-glass"]],
        description="In an emergency, open to oneself what labels and consents close of a patient, "
        "for a while. For clinicians, with a token whose purpose of use is `ETREAT`. Privacy "
        "officers are told at once, every answer that shows what was closed is on the grant's "
        "list, and the patient can see all of it.",
    )
    async def break_glass(
        self,
        info: strawberry.Info,
        input: Annotated[BreakGlassInput, _ASKED],  # noqa: A002 - its public name
    ) -> BreakGlassPayload | None:
        request: Request[Governance] = info.context
        patient = patient_of(request, input.patient)
        try:
            done = await breaking.break_glass(
                request, _intention(info, input), patient, input.reason, input.minutes
            )
        except NotPermittedError as refused:
            return _denied(refused)
        if isinstance(done, Stopped):
            return StateConflict.because(done.because)
        return GlassBroken(grant=BreakGlassGrant.of(request, done))

    @mutation(
        policy=[["privacy-office"]],
        description="Say whether glass was broken for a good reason. For privacy officers, but not "
        "about what they did themselves. Conflicts: `ALREADY_REVIEWED`.",
    )
    async def review_break_glass(
        self,
        info: strawberry.Info,
        input: Annotated[ReviewBreakGlassInput, _ASKED],  # noqa: A002 - its public name
    ) -> ReviewBreakGlassPayload | None:
        request: Request[Governance] = info.context
        (grant,) = await find_grants(request, [request.open(GRANT, input.grant)])
        if grant is None:
            raise ClientError(Code.NOT_FOUND)
        try:
            done = await breaking.review(
                request, _intention(info, input), grant, input.verdict, input.comment
            )
        except NotPermittedError as refused:
            return _denied(refused)
        except AlreadyReviewedError:
            return StateConflict(code="ALREADY_REVIEWED", message="It was reviewed before.")
        if isinstance(done, Stopped):
            return StateConflict.because(done.because)
        return BreakGlassReviewed(grant=BreakGlassGrant.of(request, done))


def patient_of(request: Request[Governance], id_: str) -> Link:
    link = opened_patient(request.subgraph.ids, id_)
    if link is None:
        raise ClientError(Code.NOT_FOUND)
    return link


async def _found(request: Request[Governance], id_: str) -> model.Consent | StateConflict:
    (consent,) = await find_consents(request, [request.open(CONSENT, id_)])
    (held,) = await find_held(request, [request.open(HELD, id_)])
    if held is not None:
        return StateConflict(code="HELD_BY_SOURCE", message="It is changed where it is held.")
    if consent is None:
        raise ClientError(Code.NOT_FOUND)
    return consent


_Input: TypeAlias = (
    RecordConsentInput | RevokeConsentInput | BreakGlassInput | ReviewBreakGlassInput
)


def _intention(info: strawberry.Info, given: _Input) -> Intention:
    request: Request[Governance] = info.context
    key = check_key(given.idempotency_key)
    asked = Asked(request.access.caller, info.field_name, key, strawberry.asdict(given))
    return Intention(asked, getattr(given, "if_match", None))


def _denied(refused: NotPermittedError) -> Denied:
    return Denied(code=Code.FORBIDDEN.value, message=str(refused))


async def _payload(
    request: Request[Governance], acted: Awaitable[model.Consent | Stopped]
) -> ConsentRecorded | StateConflict | Denied:
    try:
        done = await acted
    except NotPermittedError as refused:
        return _denied(refused)
    if isinstance(done, Stopped):
        return StateConflict.because(done.because)
    return ConsentRecorded(consent=Consent.of(request, done))
