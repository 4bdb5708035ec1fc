"""A patient's consents and broken glass, as far as the caller may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from subgraphs.connectors.config import SourceConfig
from subgraphs.governance.model import Consent
from subgraphs.governance.sources.states import StateBoard
from subgraphs.governance.store.store import GovernanceStore
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef

CONSENT: Final = "Consent"


@dataclass(frozen=True, slots=True)
class Governance:
    """The subgraph's own services."""

    store: GovernanceStore
    idempotency: IdempotencyStore
    states: StateBoard
    configured: Sequence[SourceConfig]


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


async def load_consents(request: Request[Governance], compartment: Compartment) -> list[Consent]:
    """The latest version of each."""
    if not may_see(request, CONSENT, compartment):
        return []

    async def batch(link_sets: list[LinkSet]) -> list[list[Consent]]:
        return await request.services.store.consents_of(link_sets)

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
    """By their ids; None for what is not there for the caller to see."""
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


def may_see(request: Request[Governance], type_: str, compartment: Compartment) -> bool:
    access = request.access
    return access.may_read(type_, compartment) and access.permits(Described(type_), compartment)
