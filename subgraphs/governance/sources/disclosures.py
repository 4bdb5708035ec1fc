"""Who saw what: an index of the audit trail by patient, made as the trail grows.

A question about a patient reads her rows alone. What is kept of a record says who asked, what for
and what was withheld, never what was asked: that stays in the trail.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.audit_record import AuditRecord
from subgraphs.connectors.errors import SourceState
from subgraphs.governance.model import Disclosure
from subgraphs.governance.sources.trail import Entry, News, Place, TrailReader, TrailUnreadableError
from subgraphs.governance.store.cipher import Cipher
from subgraphs.governance.store.tables import chains, entries, seen, uses
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import Database, rows_in
from subgraphs.runtime.gathering import SourceReport

TRAIL: Final = "audit-trail"
"""What the trail is called among sources."""
EVERY: Final = 5.0
"""Seconds between two looks at it, when nobody asks."""


@dataclass(frozen=True, slots=True)
class Question:
    """About one person, in seconds since 1970: from the first, and before the last."""

    links: tuple[Link, ...]
    first: float = 0.0
    last: float = 1e12
    purposes: tuple[str, ...] = ()
    """Any of these; all, if none is named."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the list."""

    at: float
    process: str
    position: int


@dataclass(frozen=True, slots=True)
class Counted:
    purpose: str
    count: int
    latest: float


class Disclosures:
    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        reader: TrailReader,
        opened: Callable[[str], Link | None],
        now: Callable[[], datetime],
    ) -> None:
        """`opened` tells which record of a patient an enterprise id names."""
        self._database = database
        self._cipher = cipher
        self._reader = reader
        self._opened = opened
        self._now = now
        self._lock = asyncio.Lock()

    async def catch_up(self) -> SourceReport:
        """Take what is new in the trail; how it stands: INVALID where a row of it does not fit."""
        async with self._lock:
            try:
                broken = await self._take_all()
            except TrailUnreadableError:
                return SourceReport(TRAIL, SourceState.UNAVAILABLE)
        state = SourceState.INVALID if broken else SourceState.OK
        return SourceReport(TRAIL, state, self._now())

    async def keep_up(self) -> None:
        """Never ends: so that whoever asks has little to wait for."""
        while True:
            await self.catch_up()
            await asyncio.sleep(EVERY)

    async def page(self, asked: Question, after: Mark | None, size: int) -> list[Disclosure]:
        """The next so many, the latest first, whichever of the person's ids they were under."""
        found = sa.select(seen.c.at, seen.c.process, seen.c.position).distinct()
        query = self._among(found, asked).order_by(
            seen.c.at.desc(), seen.c.process, seen.c.position
        )
        if after is not None:
            earlier = seen.c.at < after.at
            same = sa.tuple_(seen.c.process, seen.c.position) > (after.process, after.position)
            query = query.where(earlier | ((seen.c.at == after.at) & same))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.limit(size))).all()
            places = [(row.process, row.position) for row in rows]
            by_place = {
                (each.process, each.position): each
                for each in await self._entries(connection, set(places))
            }
        return [by_place[place] for place in places]

    async def purposes(self, asked: Question) -> list[Counted]:
        """How often for which purpose, in order of purpose."""
        found = sa.select(seen.c.purpose, seen.c.at, seen.c.process, seen.c.position).distinct()
        of = self._among(found, asked).subquery()
        query = (
            sa.select(of.c.purpose, sa.func.count(), sa.func.max(of.c.at))
            .group_by(of.c.purpose)
            .order_by(of.c.purpose)
        )
        async with self._database.reading() as connection:
            return [Counted(*row) for row in await connection.execute(query)]

    def _among(self, query: sa.Select[Any], asked: Question) -> sa.Select[Any]:
        patients = [self._cipher.patient(link) for link in asked.links]
        query = query.where(
            seen.c.patient.in_(patients), seen.c.at >= asked.first, seen.c.at < asked.last
        )
        return query.where(seen.c.purpose.in_(asked.purposes)) if asked.purposes else query

    async def under(self, grants: Sequence[str]) -> Mapping[str, list[Disclosure]]:
        """What was seen under each of these grants, and the taking of it."""
        places: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        async with self._database.reading() as connection:
            for row in await rows_in(connection, sa.select(uses), uses.c.grant, grants):
                places[row.grant].add((row.process, row.position))
            every = await self._entries(connection, set().union(*places.values()))
        return {
            grant: [each for each in every if (each.process, each.position) in places[grant]]
            for grant in grants
        }

    async def broken_at(self) -> Mapping[str, int]:
        """By process, the first row that does not fit."""
        query = sa.select(chains).where(chains.c.broken_at.is_not(None))
        async with self._database.reading() as connection:
            return {row.process: row.broken_at for row in await connection.execute(query)}

    async def _take_all(self) -> bool:
        """Whether any chain is broken."""
        while True:
            async with self._database.reading() as connection:
                places = await _places(connection)
            news = await self._reader.read(places)
            if any(each.place != places.get(each.process) for each in news):
                async with self._database.writing() as connection:
                    if await _places(connection) == places:
                        for each in news:
                            await self._take(connection, each)
                    else:
                        # Another process has been there in between.
                        continue
            if not any(each.more for each in news):
                return any(each.place.broken_at is not None for each in news)

    async def _take(self, connection: AsyncConnection, news: News) -> None:
        kept = [_row(self._cipher, entry) for entry in news.entries]
        if kept:
            await connection.execute(sa.insert(entries), kept)
        about = [row for entry in news.entries for row in self._seen(entry)]
        if about:
            await connection.execute(sa.insert(seen), about)
        used = [
            {"grant": grant, "process": entry.process, "position": entry.position}
            for entry in news.entries
            for grant in sorted({each.grant for each in entry.record.broken})
        ]
        if used:
            await connection.execute(sa.insert(uses), used)
        await connection.execute(sa.delete(chains).where(chains.c.process == news.process))
        place = news.place
        await connection.execute(
            sa.insert(chains).values(
                process=news.process,
                position=place.position,
                mac=place.mac,
                broken_at=place.broken_at,
            )
        )

    def _seen(self, entry: Entry) -> list[dict[str, Any]]:
        named = (self._opened(patient) for patient in entry.record.patients)
        return [
            {
                "patient": patient,
                "at": entry.record.recorded_at,
                "purpose": entry.record.caller.purpose if entry.record.caller else "",
                "process": entry.process,
                "position": entry.position,
            }
            for patient in sorted({self._cipher.patient(link) for link in named if link})
        ]

    async def _entries(
        self, connection: AsyncConnection, places: set[tuple[str, int]]
    ) -> list[Disclosure]:
        by_process: defaultdict[str, list[int]] = defaultdict(list)
        for process, position in places:
            by_process[process].append(position)
        found: list[Disclosure] = []
        for process, positions in sorted(by_process.items()):
            query = sa.select(entries).where(entries.c.process == process)
            rows = await rows_in(connection, query, entries.c.position, sorted(positions))
            found += [self._open(row) for row in rows]
        return found

    def _open(self, row: sa.Row[Any]) -> Disclosure:
        return self._cipher.open(_key(row.process, row.position), row.sealed, Disclosure)


async def _places(connection: AsyncConnection) -> dict[str, Place]:
    rows = await connection.execute(sa.select(chains))
    return {row.process: Place(row.position, row.mac, row.broken_at) for row in rows}


def _row(cipher: Cipher, entry: Entry) -> dict[str, Any]:
    key = _key(entry.process, entry.position)
    sealed = cipher.seal(key, _disclosure(entry, entry.record))
    return {"process": entry.process, "position": entry.position, "sealed": sealed}


def _key(process: str, position: int) -> str:
    return f"entry:{process}:{position}"


def _disclosure(entry: Entry, record: AuditRecord) -> Disclosure:
    return Disclosure(
        process=entry.process,
        position=entry.position,
        at=record.recorded_at,
        kind=record.kind,
        operation_name=record.operation_name,
        operation_hash=record.operation_hash,
        request_id=record.request_id,
        caller=record.caller,
        refusals=record.refusals,
        denials=record.denials,
        broken=record.broken,
    )
