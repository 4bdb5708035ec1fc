"""People by any of their records, for one request; and the access facts of all subgraphs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from subgraphs.identity.index.store import PatientIndex
from subgraphs.identity.index.words import words_asked
from subgraphs.identity.kinds import RELATED_PERSONS
from subgraphs.identity.model import IndexedPerson, RelatedPersonResource
from subgraphs.identity.sources.related import FhirRelated
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.idempotency import IdempotencyStore
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import IdSeal, RecordRef

PATIENT = "Patient"
_CHUNK = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """The subgraph's own services."""

    index: PatientIndex
    idempotency: IdempotencyStore
    related: Mapping[str, FhirRelated] = field(default_factory=dict)
    """Who tells of those that stand by a patient, by source."""


@dataclass(frozen=True, slots=True)
class Described:
    """A person as the access decision sees one: every record's labels hold for the whole."""

    person: IndexedPerson
    type: str = PATIENT

    @property
    def tokens(self) -> Tokens:
        return {}

    @property
    def security(self) -> tuple[fhir.Coding, ...]:
        labels = {
            label.token: label
            for record in self.person.records
            for label in record.resource.meta.security
        }
        return tuple(labels.values())

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(label.code for label in self.security if label.code)

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(record.source for record in self.person.records)

    @property
    def subjects(self) -> frozenset[str]:
        return frozenset()


async def load_person(request: Request[Identity], member: Link) -> IndexedPerson | None:
    """The person a record belongs to, if the caller may see that person."""

    async def batch(members: list[Link]) -> list[IndexedPerson | None]:
        people = await request.services.index.people(members)
        return [people.get(member) for member in members]

    person = await request.load(PATIENT, batch, member)
    return person if person is not None and await may_see(request, person) else None


async def may_see(request: Request[Identity], person: IndexedPerson) -> bool:
    compartment = await _compartment(request, person)
    access = request.access
    return access.may_read(PATIENT, compartment) and access.permits(Described(person), compartment)


async def seen_of(
    request: Request[Identity], people: Iterable[IndexedPerson]
) -> list[IndexedPerson]:
    """Those the caller may see, in their order."""
    asked = list(people)
    may = await asyncio.gather(*(may_see(request, person) for person in asked))
    return [person for person, seen in zip(asked, may, strict=True) if seen]


@dataclass(frozen=True, slots=True)
class People:
    """A page of those the caller may see."""

    rows: tuple[IndexedPerson, ...] = ()
    has_next: bool = False


async def list_people(
    request: Request[Identity], after: Link | None, size: int, search: str | None
) -> People:
    """The people behind one, at most `size`; only who is on the page counts as read."""
    words = None if search is None else words_asked(search)
    if search is not None and words is None:
        return People()
    if not request.access.may_read_any(PATIENT):
        return await _only_launch(request, after, size, search)
    found: list[IndexedPerson] = []
    async for people in _walk(request.services.index, after, words):
        compartments = await asyncio.gather(*(_compartment(request, each) for each in people))
        for person, compartment in zip(people, compartments, strict=True):
            if len(found) <= size and request.access.permits(Described(person), compartment):
                found.append(person)
        if len(found) > size:
            break
    # Whoever was only looked at to know that there is more was shown to nobody.
    shown = tuple(await seen_of(request, found[:size]))
    return People(shown, has_next=len(found) > size)


async def _walk(
    index: PatientIndex, after: Link | None, words: frozenset[str] | None
) -> AsyncIterator[Sequence[IndexedPerson]]:
    while True:
        page = await index.page(after, _CHUNK, words)
        yield page
        if len(page) < _CHUNK:
            return
        after = page[-1].founder


async def _only_launch(
    request: Request[Identity], after: Link | None, size: int, search: str | None
) -> People:
    """The one person an application with a patient's scopes can list."""
    launch = request.access.launch
    if after is not None or search is not None or launch is None or size == 0:
        return People()
    person = await load_person(request, launch)
    return People((person,)) if person else People()


async def load_related(
    request: Request[Identity], patient: Compartment
) -> Gathered[Fact[RelatedPersonResource]]:
    """Who stands by a patient; the sources are asked, since only patients are indexed."""
    ask = {name: source.related_persons for name, source in request.services.related.items()}
    return await load_facts(request, RELATED_PERSONS, ask, patient)


async def load_related_of(
    request: Request[Identity], person: IndexedPerson
) -> Gathered[Fact[RelatedPersonResource]]:
    return await load_related(request, await _compartment(request, person))


async def _compartment(request: Request[Identity], person: IndexedPerson) -> Compartment:
    id_ = person_id(request.subgraph.ids, person)
    return await request.directed(Compartment(id_, person.links))


def person_id(ids: IdSeal, person: IndexedPerson) -> str:
    """The enterprise id: the sealed id of the person's founding member."""
    source, id_ = person.founder
    return ids.seal("identity", RecordRef(source, PATIENT, id_, id_))


class IndexFacts:
    """Who people are, straight from the index."""

    def __init__(self, index: PatientIndex, ids: IdSeal) -> None:
        self._index = index
        self._ids = ids

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        people = await self._index.people(members)
        return {
            link: Person(person_id(self._ids, person), person.links, person.newest.birth_date)
            for link, person in people.items()
        }
