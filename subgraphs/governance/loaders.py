"""A patient's consents, broken glass and disclosures, as far as the caller may see them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from contract.access import BREAKING
from subgraphs.connectors.config import SourceConfig
from subgraphs.governance.holding import HeldConsents
from subgraphs.governance.model import BrokenGlass, Consent, Disclosure, HeldConsent
from subgraphs.governance.sources.disclosures import Counted, Disclosures, Mark, Question
from subgraphs.governance.sources.states import StateBoard
from subgraphs.governance.store.store import GovernanceStore
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.consent import PATIENT
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import IdSeal, RecordRef

CONSENT: Final = "Consent"
HELD: Final = "HeldConsent"
"""What the id of a consent that a source holds is sealed as: such ids may be anything."""
AUDIT: Final = "AuditEvent"
"""The type whose scopes and roles broken glass and disclosures are under."""
GRANT: Final = BREAKING
OFFICER: Final = "privacy-officer"
IDENTITY: Final = "identity"
"""The subgraph that seals the ids of patients."""
AnyConsent: TypeAlias = Consent | HeldConsent


@dataclass(frozen=True, slots=True)
class Governance:
    """The subgraph's own services."""

    store: GovernanceStore
    held: HeldConsents
    idempotency: IdempotencyStore
    states: StateBoard
    configured: Sequence[SourceConfig]
    disclosures: Disclosures


@dataclass(frozen=True, slots=True)
class Described:
    """Something governance keeps, as the access decision sees it."""

    type: str
    labels: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    @property
    def tokens(self) -> Tokens:
        return {}


async def load_consents(
    request: Request[Governance], compartment: Compartment
) -> Gathered[AnyConsent]:
    """The latest version of each, ours and those that the sources hold."""
    if not may_see(request, CONSENT, compartment):
        return Gathered()
    services = request.services

    async def batch(link_sets: list[LinkSet]) -> list[Gathered[AnyConsent]]:
        ours, theirs = await asyncio.gather(
            services.store.consents_of(link_sets), services.held.look_up(link_sets)
        )
        return [
            Gathered((*own, *held.rows), held.sources)
            for own, held in zip(ours, theirs, strict=True)
        ]

    return await request.load(CONSENT, batch, compartment.links)


async def load_versions(request: Request[Governance], id_: str) -> list[Consent]:
    """Of a consent the caller may see, the latest first."""

    async def batch(ids: list[str]) -> list[list[Consent]]:
        found = await request.services.store.versions(ids)
        return [found[id_] for id_ in ids]

    return await request.load("versions", batch, id_)


async def find_consents(
    request: Request[Governance], refs: Sequence[RecordRef | None]
) -> list[Consent | None]:
    """Of ours, by their ids; None for what is not there for the caller to see."""
    known = [ref for ref in refs if ref is not None]
    compartments: Mapping[RecordRef, Compartment | None] = dict(
        zip(known, await request.compartments(known), strict=True)
    )
    found = await request.services.store.versions([ref.id for ref in known])
    consents: list[Consent | None] = []
    for ref in refs:
        compartment = compartments.get(ref) if ref else None
        versions = found.get(ref.id, ()) if ref else ()
        seen = compartment is not None and may_see(request, CONSENT, compartment)
        consents.append(versions[0] if versions and seen else None)
    return consents


async def find_held(
    request: Request[Governance], refs: Sequence[RecordRef | None]
) -> list[HeldConsent | None]:
    """As `find_consents`, of those that the sources hold."""
    known = [ref for ref in refs if ref is not None]
    compartments = dict(zip(known, await request.compartments(known), strict=True))
    asked = {ref: (Link(ref.source, ref.patient),) for ref in known}
    told = await request.services.held.look_up(list(asked.values()))
    found = {
        ref: next((each for each in gathered.or_raise().rows if each.id == ref.id), None)
        for ref, gathered in zip(asked, told, strict=True)
    }
    consents: list[HeldConsent | None] = []
    for ref in refs:
        compartment = compartments.get(ref) if ref else None
        seen = compartment is not None and may_see(request, CONSENT, compartment)
        consents.append(found[ref] if ref and seen else None)
    return consents


def may_see(request: Request[Governance], type_: str, compartment: Compartment) -> bool:
    access = request.access
    return access.may_read(type_, compartment) and access.permits(Described(type_), compartment)


async def load_grants(request: Request[Governance], compartment: Compartment) -> list[BrokenGlass]:
    if not may_account(request, compartment):
        return []

    async def batch(link_sets: list[LinkSet]) -> list[list[BrokenGlass]]:
        return await request.services.store.grants_of(link_sets)

    return await request.load(GRANT, batch, compartment.links)


async def load_grant(request: Request[Governance], id_: str) -> BrokenGlass | None:
    """Before anything is decided: for those who know whose it is."""

    async def batch(ids: list[str]) -> list[BrokenGlass | None]:
        found = await request.services.store.grants(ids)
        return [found.get(id_) for id_ in ids]

    return await request.load("grant", batch, id_)


async def load_uses(request: Request[Governance], id_: str) -> list[Disclosure]:
    """What was seen under a grant, in order of time."""
    disclosures = request.services.disclosures

    async def batch(ids: list[str]) -> list[list[Disclosure]]:
        await disclosures.catch_up()
        found = await disclosures.under(ids)
        return [sorted(found[id_], key=lambda each: each.at) for id_ in ids]

    return await request.load("uses", batch, id_)


async def find_grants(
    request: Request[Governance], refs: Sequence[RecordRef | None]
) -> list[BrokenGlass | None]:
    """By their ids; None for what is not there for the caller to see."""
    known = [ref for ref in refs if ref is not None]
    compartments = dict(zip(known, await request.compartments(known), strict=True))
    found = await request.services.store.grants([ref.id for ref in known])
    grants: list[BrokenGlass | None] = []
    for ref in refs:
        grant = found.get(ref.id) if ref else None
        compartment = compartments.get(ref) if ref else None
        if grant is None or compartment is None:
            grants.append(None)
            continue
        is_seen = _took(request, grant) or may_account(request, compartment)
        grants.append(grant if is_seen else None)
    return grants


async def all_grants(request: Request[Governance], *, to_review: bool) -> list[BrokenGlass]:
    """Of every patient: for those who answer for privacy."""
    grants = await request.services.store.all_grants(to_review=to_review)
    refs = [RecordRef(each.patient.source, GRANT, each.id, each.patient.id) for each in grants]
    compartments = await request.compartments(refs)
    pairs = zip(grants, compartments, strict=True)
    return [grant for grant, found in pairs if found and may_account(request, found)]


async def page_disclosures(
    request: Request[Governance],
    compartment: Compartment,
    asked: Question,
    after: Mark | None,
    size: int,
) -> Gathered[Disclosure]:
    disclosures = request.services.disclosures
    report = await disclosures.catch_up()
    if not may_account(request, compartment):
        return Gathered((), (report,))
    return Gathered(tuple(await disclosures.page(asked, after, size)), (report,))


async def count_disclosures(
    request: Request[Governance], compartment: Compartment, asked: Question
) -> list[Counted]:
    if not may_account(request, compartment):
        return []
    await request.services.disclosures.catch_up()
    return await request.services.disclosures.purposes(asked)


def may_account(request: Request[Governance], compartment: Compartment) -> bool:
    """Whether who saw what of a patient is the caller's to know: her own, or an officer's."""
    if not may_see(request, AUDIT, compartment):
        return False
    access = request.access
    if access.is_herself(compartment) or access.has_role(OFFICER):
        return True
    access.refuse(AUDIT, "role", compartment)
    return False


def seal_grant(request: Request[Governance], grant: BrokenGlass) -> str:
    source, patient = grant.patient
    return request.seal(GRANT, source, grant.id, patient)


def is_of(request: Request[Governance], patient: str, compartment: Compartment) -> bool:
    """Whether an enterprise id is or was this patient's."""
    return opened_patient(request.subgraph.ids, patient) in compartment.links


def opened_patient(ids: IdSeal, patient: str) -> Link | None:
    """Which record an enterprise id names."""
    ref = ids.open(IDENTITY, PATIENT, patient)
    return Link(ref.source, ref.id) if ref else None


def _took(request: Request[Governance], grant: BrokenGlass) -> bool:
    caller = request.access.caller
    return (caller.issuer, caller.subject) == (grant.author.issuer, grant.author.subject)
