"""What identity stewards do: go through the pairs for a human, and decide about people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from contract.errors import Code
from subgraphs.identity.index.decisions import Author, Decision, Refusal, RefusedError, Registrar
from subgraphs.identity.index.matching import Verdict
from subgraphs.identity.index.reviews import OpenPair, Place
from subgraphs.identity.loaders import Identity, may_see, seen_of
from subgraphs.identity.model import IndexedPerson, PatientResource
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.mutations import Because
from subgraphs.runtime.request import Request

STEWARD: Final = "identity-steward"
MAX_REASON: Final = 1000
_CHUNK = 50


def is_steward(request: Request[Identity]) -> bool:
    return request.access.has_role(STEWARD)


@dataclass(frozen=True, slots=True)
class Review:
    """Two people who may be one: the two records most alike, and why they are."""

    place: Place
    one: Link
    other: Link
    people: tuple[IndexedPerson, IndexedPerson]
    verdict: Verdict

    @property
    def version(self) -> str:
        return f"{self.people[0].version}.{self.people[1].version}"


@dataclass(frozen=True, slots=True)
class Reviews:
    rows: tuple[Review, ...]
    has_next: bool


async def list_reviews(request: Request[Identity], after: Place | None, size: int) -> Reviews:
    """The next reviews of people the caller may see; what lies beyond counts as read by nobody."""
    index = request.services.index
    found: list[Review] = []
    while len(found) <= size:
        pairs = await index.reviews(after, _CHUNK)
        people = await index.people({end for pair in pairs for end in (pair.one, pair.other)})
        for pair in pairs:
            both = people.get(pair.one), people.get(pair.other)
            if len(found) > size or not both[0] or not both[1]:
                continue
            if len(await seen_of(request, (both[0], both[1]))) == len(both):
                found.append(_review(request, pair, (both[0], both[1])))
        if len(pairs) < _CHUNK:
            break
        after = pairs[-1].place
    return Reviews(tuple(found[:size]), len(found) > size)


def _review(
    request: Request[Identity], pair: OpenPair, people: tuple[IndexedPerson, IndexedPerson]
) -> Review:
    records = record_at(people[0], pair.one), record_at(people[1], pair.other)
    verdict = request.services.index.explain(*records)
    return Review(pair.place, pair.one, pair.other, people, verdict)


def record_at(person: IndexedPerson, link: Link) -> Record[PatientResource]:
    return next(r for r in person.records if Link(r.source, r.patient) == link)


async def candidates(request: Request[Identity], review: Review) -> list[IndexedPerson]:
    """Who else may be one of the two."""
    index = request.services.index
    ends = {link for person in review.people for link in person.links}
    near = await index.near(ends)
    people = await index.people(near - ends)
    return await seen_of(request, _distinct(people.values()))


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, and the people it was about as they are now."""

    decision: Decision
    people: tuple[IndexedPerson, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why nothing was decided."""

    because: Because | Refusal


Act: TypeAlias = Callable[[Registrar, Author], Awaitable[int]]


class _Outcome(msgspec.Struct, frozen=True):
    decision: int


@dataclass(frozen=True, slots=True)
class Intention:
    """What a steward asks for; `about` are the records it is about, each with the version the
    steward has seen of its person, or None."""

    asked: Asked
    reason: str
    about: Mapping[Link, str | None]


async def decide(request: Request[Identity], intention: Intention, act: Act) -> Decided | Stopped:
    """Take a decision once; a decision that cannot be taken leaves nothing behind."""
    if not 0 < len(intention.reason.strip()) <= MAX_REASON:
        raise ClientError(Code.BAD_USER_INPUT, argument="reason", maximum=MAX_REASON)
    services, at = request.services, request.subgraph.now()
    author = Author(request.access.caller.subject, at, intention.reason.strip())
    try:
        async with services.index.deciding() as deciding:

            async def effect() -> _Outcome:
                people = await deciding.people(intention.about)
                await _check(request, people, intention.about)
                return _Outcome(await act(deciding.registrar, author))

            outcome = await services.idempotency.once(
                deciding.connection, intention.asked, at, effect, _Outcome
            )
    except KeyReusedError:
        return Stopped(Because.KEY_REUSED)
    except _StaleError:
        return Stopped(Because.STALE)
    except RefusedError as refused:
        return Stopped(refused.refusal)
    return await _decided(request, outcome.decision)


class _StaleError(Exception):
    pass


async def _check(
    request: Request[Identity],
    people: Mapping[Link, IndexedPerson],
    about: Mapping[Link, str | None],
) -> None:
    for link, version in about.items():
        person = people.get(link)
        if person is None or not await may_see(request, person):
            raise ClientError(Code.NOT_FOUND)
        if version is not None and version != person.version:
            raise _StaleError


async def _decided(request: Request[Identity], no: int) -> Decided:
    index = request.services.index
    decision = await index.decision(no)
    people = await index.people((*decision.one, *decision.other))
    return Decided(decision, tuple(await seen_of(request, _distinct(people.values()))))


def _distinct(people: Iterable[IndexedPerson]) -> list[IndexedPerson]:
    by_founder = {person.founder: person for person in people}
    return [by_founder[founder] for founder in sorted(by_founder)]
