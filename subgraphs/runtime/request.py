"""What the resolvers of one request share: who asks, the loaders, the access decision."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from aiodataloader import DataLoader

from contract.errors import Code
from subgraphs.runtime.access import Access, Compartment
from subgraphs.runtime.access_facts import AccessFacts
from subgraphs.runtime.consent import UNDIRECTED, rule
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.events import Events, LocalEvents
from subgraphs.runtime.sealing import IdSeal, RecordRef

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")
ServicesT = TypeVar("ServicesT")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Subgraph(Generic[ServicesT]):
    """What all requests of a running subgraph share; `services` is the domain's own."""

    name: str
    ids: IdSeal
    crosswalk: Crosswalk
    facts: AccessFacts
    services: ServicesT
    events: Events = field(default_factory=LocalEvents)
    now: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True)
class Request(Generic[ServicesT]):
    """The GraphQL context value."""

    subgraph: Subgraph[ServicesT]
    access: Access
    request_id: str = ""
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def services(self) -> ServicesT:
        return self.subgraph.services

    async def load(
        self,
        question: Hashable,
        batch: Callable[[list[KeyT]], Coroutine[Any, Any, list[ValueT]]],
        key: KeyT,
    ) -> ValueT:
        """Load one key of a question, together with all others asked for in the same moment."""
        loader = self._loaders.get(question)
        if loader is None:
            # The batch size is bounded where the protocol is known: in the connectors.
            loader = self._loaders[question] = DataLoader(batch)
        value: ValueT = await loader.load(key)
        return value

    def forget(self) -> None:
        """Let go of all that was loaded: after a write it is not what is."""
        self._loaders.clear()

    async def compartment(self, patient: str, links: str | None) -> Compartment:
        """A patient representation's opened links; NOT_FOUND when they are not hers."""
        opened = self.subgraph.crosswalk.open_links(patient, links or "")
        if opened is None:
            raise ClientError(Code.NOT_FOUND)
        return await self.directed(Compartment(patient, opened.links, opened.born))

    async def compartments(self, refs: Sequence[RecordRef]) -> list[Compartment | None]:
        """The patient each record belongs to, for records asked for by id."""
        members = sorted({Link(ref.source, ref.patient) for ref in refs})
        persons = await self.subgraph.facts.persons(members) if members else {}
        people = {p.id: Compartment(p.id, tuple(sorted(p.links)), p.born) for p in persons.values()}
        known = await asyncio.gather(*map(self.directed, people.values()))
        directed = dict(zip(people, known, strict=True))
        found = (persons.get(Link(ref.source, ref.patient)) for ref in refs)
        return [directed[person.id] if person else None for person in found]

    async def directed(self, compartment: Compartment) -> Compartment:
        """The compartment with what the patient has directed, as it stands at this moment.

        Every compartment that a decision is made of comes from here. All that are asked for in one
        moment share one question; when it cannot be answered, it fails, and nothing is shown.
        """
        if self.access.is_herself(compartment):
            # No directive of her own keeps her record from her.
            return replace(compartment, ruling=UNDIRECTED)
        directives = await self.load(
            "directives", self.subgraph.facts.directives, compartment.links
        )
        ruling = rule(directives, self.access.caller, self.subgraph.now())
        return replace(compartment, ruling=ruling)

    def seal(self, type_: str, source: str, id_: str, patient: str) -> str:
        return self.subgraph.ids.seal(self.subgraph.name, RecordRef(source, type_, id_, patient))

    def open(self, type_: str, sealed: object) -> RecordRef | None:
        if not isinstance(sealed, str):
            return None
        return self.subgraph.ids.open(self.subgraph.name, type_, sealed)
