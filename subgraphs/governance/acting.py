"""What is done to consents: recorded, changed, revoked, each once and by those who may."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import msgspec

from contract.errors import Code
from subgraphs.governance.loaders import CONSENT, Governance
from subgraphs.governance.model import Author, Consent, ConsentStatus
from subgraphs.governance.resource import nonconforming
from subgraphs.runtime.access import Access, Compartment
from subgraphs.runtime.consent import Provision
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.mutations import Because
from subgraphs.runtime.request import Request

CLERKS: Final = ("privacy-officer", "registration-clerk")
"""Who writes down what a patient has signed."""


class NotPermittedError(Exception):
    """The caller may not do this; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why nothing was done."""

    because: Because


@dataclass(frozen=True, slots=True)
class Intention:
    """What is asked for, and the version the caller has seen of what it changes."""

    asked: Asked
    if_match: str | None


async def record_consent(
    request: Request[Governance],
    intention: Intention,
    patient: Link,
    provision: Provision,
    replaced: Consent | None = None,
) -> Consent | Stopped:
    """A new consent, or a new version of one; raises `NotPermittedError`, `ClientError`."""
    compartment = await patient_compartment(request, patient)
    letter = "c" if replaced is None else "u"
    _may_direct(request.access, letter, compartment, opens=permitted_labels(provision))
    if replaced is not None and replaced.patient not in compartment.links:
        raise ClientError(Code.NOT_FOUND)
    draft = _draft(request, provision, patient, replaced)
    wrong = await asyncio.to_thread(nonconforming, draft)
    if wrong:
        raise ClientError(Code.BAD_USER_INPUT, argument="provision", elements=list(wrong))
    return await _keep(request, intention, draft)


async def revoke_consent(
    request: Request[Governance], intention: Intention, consent: Consent
) -> Consent | Stopped:
    """Its last version; raises `NotPermittedError`."""
    compartment = await patient_compartment(request, consent.patient)
    # Without a deny more is open than with it.
    _may_direct(request.access, "u", compartment, opens=_denies(consent.provision))
    draft = msgspec.structs.replace(
        _draft(request, consent.provision, consent.patient, consent),
        status=ConsentStatus.INACTIVE,
    )
    return await _keep(request, intention, draft)


def permitted_labels(provision: Provision) -> bool:
    """Whether it opens what a label closes."""
    inner = any(permitted_labels(each) for each in provision.exceptions)
    return inner or (provision.permits and bool(provision.labels))


def _denies(provision: Provision) -> bool:
    return not provision.permits or any(map(_denies, provision.exceptions))


def _may_direct(access: Access, letter: str, compartment: Compartment, *, opens: bool) -> None:
    if not access.may_write(CONSENT, letter, compartment):
        raise NotPermittedError(f"A scope to write consents ({CONSENT}.{letter}) is missing.")
    if access.is_herself(compartment) or any(map(access.has_role, CLERKS)):
        return
    if not access.has_role("proxy"):
        raise NotPermittedError("Only the patient, a proxy or a clerk decides this.")
    if opens:
        raise NotPermittedError("A proxy closes records, and opens none.")


async def patient_compartment(request: Request[Governance], patient: Link) -> Compartment:
    persons = await request.subgraph.facts.persons([patient])
    person = persons.get(patient)
    if person is None:
        raise ClientError(Code.NOT_FOUND)
    found = Compartment(person.id, tuple(sorted(person.links)), person.born)
    compartment = await request.directed(found)
    # The trail is to tell of it, whatever comes of it.
    request.access.may_read(CONSENT, compartment)
    return compartment


def _draft(
    request: Request[Governance], provision: Provision, patient: Link, before: Consent | None
) -> Consent:
    return Consent(
        id=before.id if before else uuid4().hex,
        version=before.version + 1 if before else 1,
        patient=before.patient if before else patient,
        status=ConsentStatus.ACTIVE,
        provision=provision,
        recorded_at=request.subgraph.now().timestamp(),
        author=Author.of(request.access.caller),
    )


async def _keep(
    request: Request[Governance], intention: Intention, draft: Consent
) -> Consent | Stopped:
    services = request.services
    try:
        async with services.store.writing() as connection:

            async def effect() -> Consent:
                latest = await services.store.latest(connection, draft.id)
                _check(intention, draft, latest)
                await services.store.keep_consent(connection, draft)
                return draft

            at = request.subgraph.now()
            return await services.idempotency.once(connection, intention.asked, at, effect, Consent)
    except KeyReusedError:
        return Stopped(Because.KEY_REUSED)
    except StaleError:
        return Stopped(Because.STALE)


def _check(intention: Intention, draft: Consent, latest: Consent | None) -> None:
    found = latest.version if latest else 0
    if intention.if_match not in (None, str(found)) or draft.version != found + 1:
        raise StaleError


class StaleError(Exception):
    pass


def check_known(argument: str, given: Iterable[str], known: Iterable[str]) -> None:
    """What names nothing would close nothing, and nobody would notice."""
    allowed = frozenset(known)
    if not allowed.issuperset(given):
        raise ClientError(Code.BAD_USER_INPUT, argument=argument)
