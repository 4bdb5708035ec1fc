"""The index on disk: SQLite on one machine, PostgreSQL on many, by the same statements.

It alone answers at request time; the sources are asked by the crawl. Matching runs over the whole
index after each crawl, because its outcome must not depend on the order records came in; what must
outlive it, the member that gave a person its id, is kept by when each record was first seen.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from subgraphs.connectors.errors import SourceState
from subgraphs.identity.index.crypto import IndexCipher, IndexUnreadableError
from subgraphs.identity.index.matching import match
from subgraphs.identity.index.words import words_of
from subgraphs.identity.model import Crawled, CrawlState, IndexedPerson, PatientResource
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Record

_tables = sa.MetaData()
_members = sa.Table(
    "identity_member",
    _tables,
    sa.Column("source", sa.String(32), primary_key=True),
    # Sealed: see `crypto`.
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("person", sa.String(255), index=True, nullable=False),
    sa.Column("first_seen", sa.Integer, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
)
_words = sa.Table(
    "identity_word",
    _tables,
    sa.Column("token", sa.LargeBinary(16), primary_key=True),
    sa.Column("person", sa.String(255), primary_key=True),
)
_crawls = sa.Table(
    "identity_crawl",
    _tables,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("completed_at", sa.Float),
)


class PatientIndex:
    """Open with `open_index`; close with `close`."""

    def __init__(self, engine: AsyncEngine, cipher: IndexCipher) -> None:
        self._engine = engine
        self._cipher = cipher

    async def close(self) -> None:
        await self._engine.dispose()

    async def people(self, members: Iterable[Link]) -> dict[Link, IndexedPerson]:
        """The person each of these records belongs to; leaves out what is not indexed."""
        wanted = {self._cipher.name(member): member for member in members}
        key = sa.tuple_(_members.c.source, _members.c.id)
        query = sa.select(_members.c.id, _members.c.person).where(
            key.in_([(member.source, name) for name, member in wanted.items()])
        )
        async with self._engine.connect() as connection:
            person_of = {wanted[name]: who for name, who in await connection.execute(query)}
            people = await self._load(connection, set(person_of.values()))
        return {link: people[key] for link, key in person_of.items() if key in people}

    async def page(
        self, after: Link | None, limit: int, words: Iterable[str] | None = None
    ) -> list[IndexedPerson]:
        """The next people behind one, in an order that stays."""
        query = sa.select(_members.c.person).where(_members.c.retired.is_(False))
        if words is not None:
            tokens = [self._cipher.token(word) for word in words]
            holders = (
                sa.select(_words.c.person)
                .where(_words.c.token.in_(tokens))
                .group_by(_words.c.person)
                .having(sa.func.count() == len(tokens))
            )
            query = query.where(_members.c.person.in_(holders))
        if after is not None:
            query = query.where(_members.c.person > self._cipher.name(after))
        query = query.distinct().order_by(_members.c.person).limit(limit)
        async with self._engine.connect() as connection:
            keys = list(await connection.scalars(query))
            people = await self._load(connection, keys)
        return [people[key] for key in keys if key in people]

    async def crawls(self) -> tuple[CrawlState, ...]:
        """How the last crawl of each source went."""
        async with self._engine.connect() as connection:
            return tuple((await _crawl_states(connection)).values())

    async def is_empty(self) -> bool:
        """Whether no source has ever been read to the end."""
        async with self._engine.connect() as connection:
            completed = sa.select(sa.func.count(_crawls.c.completed_at))
            return await connection.scalar(completed) == 0

    async def absorb(
        self,
        crawled: Mapping[str, Crawled],
        failed: Mapping[str, SourceState],
        at: datetime,
    ) -> None:
        """Take in a crawl: the patients of some sources, and the state of those that failed.

        Patients missing from a whole list are retired: their ids still find the person.
        """
        async with self._engine.begin() as connection:
            for source, found in sorted(crawled.items()):
                await self._replace(connection, source, found, at)
                state = SourceState.OK if found.is_whole else SourceState.INVALID
                await _note_crawl(connection, source, state, at)
            for source, state in failed.items():
                await _note_crawl(connection, source, state, None)
            await self._match(connection)

    async def _replace(
        self,
        connection: AsyncConnection,
        source: str,
        found: Crawled,
        at: datetime,
    ) -> None:
        records = {self._cipher.name(Link(source, id_)): r for id_, r in found.patients.items()}
        of_source = _members.c.source == source
        crawl = await connection.scalar(sa.select(sa.func.max(_members.c.first_seen)))
        rows = await connection.execute(
            sa.select(_members.c.id, _members.c.first_seen, _members.c.person).where(of_source)
        )
        known = {name: (first_seen, person) for name, first_seen, person in rows}
        if found.is_whole:
            await connection.execute(sa.update(_members).where(of_source).values(retired=True))
        if again := [{"i": name} for name in known.keys() & records.keys()]:
            await connection.execute(
                sa.delete(_members).where(of_source, _members.c.id == sa.bindparam("i")), again
            )
        new = [
            {
                "source": source,
                "id": name,
                "first_seen": known.get(name, ((crawl or 0) + 1, ""))[0],
                "person": known.get(name, (0, name))[1],
                "received_at": at.timestamp(),
                "retired": False,
                "record": self._cipher.encrypt(self._cipher.link(name), record),
            }
            for name, record in records.items()
        ]
        if new:
            await connection.execute(sa.insert(_members), new)

    async def _match(self, connection: AsyncConnection) -> None:
        """Tell people apart anew, keep the ids they have, and rebuild the search words."""
        rows = (await connection.execute(sa.select(_members))).all()
        # Thousands of records take seconds, in which requests want to be answered.
        assigned, words = await asyncio.to_thread(self._tell_apart, rows)
        await connection.execute(sa.delete(_words))
        if assigned:
            await connection.execute(
                sa.update(_members)
                .where(_members.c.source == sa.bindparam("s"), _members.c.id == sa.bindparam("i"))
                .values(person=sa.bindparam("p")),
                assigned,
            )
        if words:
            await connection.execute(
                sa.insert(_words), [{"token": token, "person": person} for token, person in words]
            )

    def _tell_apart(
        self, rows: Sequence[sa.Row[Any]]
    ) -> tuple[list[dict[str, str]], set[tuple[bytes, str]]]:
        """Whose each record is, and by which words that person is found."""
        stored = {self._cipher.link(row.id): row for row in rows}
        records = {link: self._cipher.decrypt(link, row.record) for link, row in stored.items()}
        assigned: list[dict[str, str]] = []
        words: set[tuple[bytes, str]] = set()
        for person in match(records):
            founder = stored[min(person, key=lambda link: (stored[link].first_seen, link))].id
            for link in person:
                assigned.append({"s": link.source, "i": stored[link].id, "p": founder})
                words |= {(self._cipher.token(w), founder) for w in words_of(records[link])}
        return assigned, words

    async def _load(
        self, connection: AsyncConnection, keys: Iterable[str]
    ) -> dict[str, IndexedPerson]:
        rows = await connection.execute(
            sa.select(_members).where(
                _members.c.person.in_(list(keys)), _members.c.retired.is_(False)
            )
        )
        records: defaultdict[str, list[Record[PatientResource]]] = defaultdict(list)
        # In the order of the sources' own ids, which the sealed ones do not have.
        for link, row in sorted((self._cipher.link(row.id), row) for row in rows):
            resource = self._cipher.decrypt(link, row.record)
            received_at = datetime.fromtimestamp(row.received_at, UTC)
            records[row.person].append(Record(link.source, link.id, resource, received_at))
        crawls = await _crawl_states(connection)
        return {
            person: IndexedPerson(self._cipher.link(person), tuple(found), _of(crawls, found))
            for person, found in records.items()
        }


async def open_index(url: str, key: bytes) -> PatientIndex:
    """Open or make the index; raises `IndexUnreadableError` for one written with another key."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    async with engine.begin() as connection:
        await connection.run_sync(_tables.create_all)
    index = PatientIndex(engine, IndexCipher(key))
    try:
        await index.page(None, 1)
    except IndexUnreadableError:
        await index.close()
        raise
    return index


def sqlite_url(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{home / 'identity.db'}"


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    # Readers and the crawl's writer do not wait for each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()


async def _note_crawl(
    connection: AsyncConnection, source: str, state: SourceState, at: datetime | None
) -> None:
    where = _crawls.c.source == source
    completed = await connection.scalar(sa.select(_crawls.c.completed_at).where(where))
    await connection.execute(sa.delete(_crawls).where(where))
    await connection.execute(
        sa.insert(_crawls).values(
            source=source, state=state.value, completed_at=at.timestamp() if at else completed
        )
    )


async def _crawl_states(connection: AsyncConnection) -> dict[str, CrawlState]:
    rows = await connection.execute(sa.select(_crawls).order_by(_crawls.c.source))
    return {
        row.source: CrawlState(
            row.source,
            SourceState(row.state),
            None if row.completed_at is None else datetime.fromtimestamp(row.completed_at, UTC),
        )
        for row in rows
    }


def _of(
    crawls: Mapping[str, CrawlState], records: Sequence[Record[PatientResource]]
) -> tuple[CrawlState, ...]:
    sources = dict.fromkeys(record.source for record in records)
    return tuple(crawls[source] for source in sources if source in crawls)
