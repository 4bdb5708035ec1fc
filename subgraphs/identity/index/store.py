"""The patient index: SQLite on one machine, PostgreSQL on many, by the same statements.

It alone answers at request time; sources are asked by the crawl, and tell by messages. Every
transaction leaves it whole: what follows from a record or a decision is settled where that is
stored. The member that gave a person its id is kept by when each record was first seen.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.connectors.errors import SourceState
from subgraphs.identity.index.asking import Match, match
from subgraphs.identity.index.crypto import IndexCipher, IndexUnreadableError
from subgraphs.identity.index.database import open_index_database, take_numbers
from subgraphs.identity.index.decisions import Decision, Registrar, read_decision, read_history
from subgraphs.identity.index.features import extract
from subgraphs.identity.index.intake import NEVER, Said, record_of, take
from subgraphs.identity.index.matching import Matcher, Verdict
from subgraphs.identity.index.pairing import pair_anew
from subgraphs.identity.index.resolving import settle
from subgraphs.identity.index.reviews import OpenPair, Place, read_near, read_open_pairs
from subgraphs.identity.index.tables import crawls, members, words
from subgraphs.identity.model import CrawlState, IndexedPerson, PatientResource
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import Database, rows_in
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.scalars import instant

_PERSON = (
    members.c.no,
    members.c.source,
    members.c.name,
    members.c.person,
    members.c.received_at,
    members.c.merged_to,
    members.c.digest,
    members.c.record,
)


class PatientIndex:
    """Open with `open_index`; close with `close`."""

    def __init__(self, database: Database, cipher: IndexCipher, matcher: Matcher) -> None:
        self.database = database
        self.cipher = cipher
        self.matcher = matcher

    async def close(self) -> None:
        await self.database.close()

    async def people(self, wanted: Iterable[Link]) -> dict[Link, IndexedPerson]:
        """The person each of these records belongs to; leaves out what is not indexed."""
        async with self.database.reading() as connection:
            return await self.read_people(connection, wanted)

    async def read_people(
        self, connection: AsyncConnection, wanted: Iterable[Link]
    ) -> dict[Link, IndexedPerson]:
        by_name = {self.cipher.name(link): link for link in wanted}
        query = sa.select(members.c.source, members.c.name, members.c.person)
        person_of = {
            by_name[row.name]: row.person
            for row in await rows_in(connection, query, members.c.name, by_name)
            if row.source == by_name[row.name].source
        }
        people = await self.load(connection, set(person_of.values()))
        return {link: people[no] for link, no in person_of.items() if no in people}

    async def page(
        self, after: Link | None, limit: int, search: Iterable[str] | None = None
    ) -> list[IndexedPerson]:
        """The next people behind one, in an order that stays."""
        query = sa.select(members.c.person).where(members.c.retired.is_(False))
        if search is not None:
            tokens = self.cipher.tokens(search)
            holders = (
                sa.select(members.c.person)
                .join(words, words.c.member == members.c.no)
                .where(words.c.token.in_(tokens))
                .group_by(members.c.person)
                .having(sa.func.count(words.c.token.distinct()) == len(tokens))
            )
            query = query.where(members.c.person.in_(holders))
        async with self.database.reading() as connection:
            if after is not None:
                name = members.c.name == self.cipher.name(after)
                place = await connection.scalar(sa.select(members.c.no).where(name))
                query = query.where(members.c.person > (place or 0))
            query = query.distinct().order_by(members.c.person).limit(limit)
            numbers = list(await connection.scalars(query))
            people = await self.load(connection, numbers)
        return [people[no] for no in numbers if no in people]

    async def crawls(self) -> tuple[CrawlState, ...]:
        """How the last crawl of each source went."""
        async with self.database.reading() as connection:
            return tuple((await _crawl_states(connection)).values())

    async def is_empty(self) -> bool:
        """Whether no source has ever been read to the end."""
        async with self.database.reading() as connection:
            completed = sa.select(sa.func.count(crawls.c.completed_at))
            return await connection.scalar(completed) == 0

    async def history(self, person: IndexedPerson) -> list[Decision]:
        """Every decision about any record of a person, the latest first."""
        async with self.database.reading() as connection:
            numbers = sa.select(members.c.no).where(
                members.c.name.in_([self.cipher.name(link) for link in person.links])
            )
            return await read_history(connection, self.cipher, await connection.scalars(numbers))

    async def reviews(self, after: Place | None, limit: int) -> list[OpenPair]:
        """The next pairs for a human behind one, the likeliest first."""
        async with self.database.reading() as connection:
            return await read_open_pairs(connection, self.cipher, after, limit)

    def explain(self, one: Record[PatientResource], other: Record[PatientResource]) -> Verdict:
        """Why the machine decides as it does of two records."""
        ends = sorted((one, other), key=lambda record: (record.source, record.patient))
        return self.matcher.decide(*(extract(end.source, end.resource) for end in ends))

    async def match(self, described: Iterable[PatientResource]) -> list[list[Match]]:
        """Who each description may be of, the likeliest first."""
        async with self.database.reading() as connection:
            features = [extract("", each) for each in described]
            return await match(connection, self.cipher, self.matcher, features)

    async def near(self, ends: Iterable[Link]) -> set[Link]:
        """Records that make a pair for a human with one of these."""
        async with self.database.reading() as connection:
            return await read_near(connection, self.cipher, ends)

    async def decision(self, no: int) -> Decision:
        async with self.database.reading() as connection:
            return await read_decision(connection, self.cipher, no)

    @asynccontextmanager
    async def deciding(self) -> AsyncIterator[Deciding]:
        """One writer's transaction, for a decision and whatever is noted with it."""
        async with self.database.writing() as connection:
            registrar = Registrar(connection, self.cipher, self.matcher)
            yield Deciding(self, connection, registrar)

    async def start_round(self) -> int:
        """A number for what the crawls of one round bring: they come in no order."""
        async with self.database.writing() as connection:
            return await take_numbers(connection, "round")

    async def take(
        self, source: str, said: Mapping[str, Said], at: datetime, crawl: int | None = None
    ) -> None:
        """Take in what a source says of some patients, by id."""
        async with self.database.writing() as connection:
            number = crawl if crawl is not None else await take_numbers(connection, "round")
            await self.take_in(connection, source, said, at, number)

    async def take_in(
        self,
        connection: AsyncConnection,
        source: str,
        said: Mapping[str, Said],
        at: datetime,
        crawl: int,
    ) -> None:
        taken = await take(connection, self.cipher, source, said, at.timestamp(), crawl)
        touched = await pair_anew(connection, self.cipher, self.matcher, taken.changes)
        await settle(connection, self.cipher, self.matcher, touched)

    async def finish_crawl(
        self, source: str, state: SourceState, crawl: int, at: datetime | None
    ) -> None:
        """Note how a crawl ended; after a whole one, whom it did not list is retired.

        Their ids still find the person.
        """
        async with self.database.writing() as connection:
            if state is SourceState.OK:
                missing = (members.c.source == source, members.c.last_seen < crawl)
                await connection.execute(sa.update(members).where(*missing).values(retired=True))
            await _note_crawl(connection, source, state, at)

    async def load(
        self, connection: AsyncConnection, numbers: Iterable[int]
    ) -> dict[int, IndexedPerson]:
        """People by the numbers of their founders; who has no record in use is left out."""
        query = sa.select(*_PERSON).where(members.c.retired.is_(False))
        rows = await rows_in(connection, query, members.c.person, numbers)
        states = await _crawl_states(connection)
        founders = await _names(connection, {row.person for row in rows})
        into = await _names(connection, {row.merged_to for row in rows if row.merged_to})
        of: defaultdict[int, list[sa.Row[Any]]] = defaultdict(list)
        for row in rows:
            of[row.person].append(row)
        return {
            no: self._person(self.cipher.link(founders[no]), found, into, states)
            for no, found in of.items()
        }

    def _person(
        self,
        founder: Link,
        rows: Iterable[sa.Row[Any]],
        into: Mapping[int, str],
        states: Mapping[str, CrawlState],
    ) -> IndexedPerson:
        # In the order of the sources' own ids, which the sealed ones do not have.
        found = sorted((self.cipher.link(row.name), row) for row in rows)
        records = tuple(self._record(link, row) for link, row in found)
        merged = {
            link: self.cipher.link(into[row.merged_to]) for link, row in found if row.merged_to
        }
        told = dict.fromkeys(link.source for link, _ in found)
        known = tuple(states[source] for source in told if source in states)
        return IndexedPerson(founder, records, known, merged, _version(rows))

    def _record(self, link: Link, row: sa.Row[Any]) -> Record[PatientResource]:
        received_at = datetime.fromtimestamp(row.received_at, UTC)
        return Record(link.source, link.id, record_of(self.cipher, row), received_at)


@dataclass(frozen=True, slots=True)
class Deciding:
    """A transaction in which decisions are taken: it holds as a whole or not at all."""

    index: PatientIndex
    connection: AsyncConnection
    registrar: Registrar

    async def people(self, wanted: Iterable[Link]) -> dict[Link, IndexedPerson]:
        return await self.index.read_people(self.connection, wanted)

    async def make_known(self, link: Link, at: datetime) -> None:
        """Keep a place for a record that is named before it is described."""
        name = members.c.name == self.index.cipher.name(link)
        if await self.connection.scalar(sa.select(members.c.no).where(name)) is None:
            said = {link.id: Said(PatientResource(id=link.id), NEVER)}
            crawl = await take_numbers(self.connection, "round")
            await self.index.take_in(self.connection, link.source, said, at, crawl)


async def open_index(url: str, key: bytes, matcher: Matcher | None = None) -> PatientIndex:
    """Open or make the index; raises `IndexUnreadableError` for one written with another key."""
    index = PatientIndex(await open_index_database(url), IndexCipher(key), matcher or Matcher())
    try:
        await index.page(None, 1)
    except IndexUnreadableError:
        await index.close()
        raise
    return index


def said_by(record: PatientResource, otherwise: datetime) -> Said:
    """When the source last changed the record, or else when it was read."""
    try:
        moment = instant(record.meta.last_updated) if record.meta.last_updated else otherwise
    except (ValueError, OverflowError):
        moment = otherwise
    return Said(record, moment.timestamp())


def _version(rows: Iterable[sa.Row[Any]]) -> str:
    parts = sorted((row.name, row.digest, row.merged_to or 0) for row in rows)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


async def _names(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, str]:
    query = sa.select(members.c.no, members.c.name)
    return {row.no: row.name for row in await rows_in(connection, query, members.c.no, numbers)}


async def _note_crawl(
    connection: AsyncConnection, source: str, state: SourceState, at: datetime | None
) -> None:
    where = crawls.c.source == source
    completed = await connection.scalar(sa.select(crawls.c.completed_at).where(where))
    await connection.execute(sa.delete(crawls).where(where))
    await connection.execute(
        sa.insert(crawls).values(
            source=source, state=state.value, completed_at=at.timestamp() if at else completed
        )
    )


async def _crawl_states(connection: AsyncConnection) -> dict[str, CrawlState]:
    rows = await connection.execute(sa.select(crawls).order_by(crawls.c.source))
    return {
        row.source: CrawlState(
            row.source,
            SourceState(row.state),
            None if row.completed_at is None else datetime.fromtimestamp(row.completed_at, UTC),
        )
        for row in rows
    }
