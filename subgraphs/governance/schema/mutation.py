"""What patients direct, as mutations."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Final

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import RequiresScopes

from contract.errors import Code
from subgraphs.governance import acting, model
from subgraphs.governance.acting import Intention, NotPermittedError, Stopped
from subgraphs.governance.loaders import CONSENT, Governance, find_consents
from subgraphs.governance.schema.consents import Consent
from subgraphs.governance.schema.values import ConsentProvisionInput, provision_of
from subgraphs.runtime.consent import PATIENT
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.mutations import Denied, StateConflict, check_key
from subgraphs.runtime.request import Request

_IDENTITY: Final = "identity"
"""The subgraph that seals the ids of patients."""
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
    ConsentRecorded | StateConflict | Denied,
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


def _writing(letter: str) -> RequiresScopes:
    levels = ("patient", "user", "system")
    return RequiresScopes(scopes=[[f"{level}/{CONSENT}.{letter}"] for level in levels])


@strawberry.type(description="What changes something.")
class Mutation:
    @federation.field(
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
        patient = patient_of(request, input.patient)
        intention = _intention(info, input)
        return await _payload(
            request, acting.record_consent(request, intention, patient, provision, replaced)
        )

    @federation.field(
        policy=[[DIRECTING]],
        directives=[_writing("u")],
        description="Revoke a consent: what it opened is closed, and what it closed is open, from "
        "the next answer on, subscriptions included. It stays readable as revoked.",
    )
    async def revoke_consent(
        self,
        info: strawberry.Info,
        input: Annotated[RevokeConsentInput, _ASKED],  # noqa: A002 - its public name
    ) -> ConsentPayload | None:
        request: Request[Governance] = info.context
        consent = await _found(request, input.consent)
        intention = _intention(info, input)
        return await _payload(request, acting.revoke_consent(request, intention, consent))


def patient_of(request: Request[Governance], id_: str) -> Link:
    ref = request.subgraph.ids.open(_IDENTITY, PATIENT, id_)
    if ref is None:
        raise ClientError(Code.NOT_FOUND)
    return Link(ref.source, ref.id)


async def _found(request: Request[Governance], id_: str) -> model.Consent:
    (consent,) = await find_consents(request, [request.open(CONSENT, id_)])
    if consent is None:
        raise ClientError(Code.NOT_FOUND)
    return consent


def _intention(info: strawberry.Info, given: RecordConsentInput | RevokeConsentInput) -> Intention:
    request: Request[Governance] = info.context
    key = check_key(given.idempotency_key)
    asked = Asked(request.access.caller, info.field_name, key, strawberry.asdict(given))
    return Intention(asked, given.if_match)


async def _payload(
    request: Request[Governance], acted: Awaitable[model.Consent | Stopped]
) -> ConsentRecorded | StateConflict | Denied:
    try:
        done = await acted
    except NotPermittedError as refused:
        return Denied(code=Code.FORBIDDEN.value, message=str(refused))
    if isinstance(done, Stopped):
        return StateConflict.because(done.because)
    return ConsentRecorded(consent=Consent.of(request, done))
