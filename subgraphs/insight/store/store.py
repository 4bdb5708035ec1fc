"""How far each source's exports are read, whose the records are, and what is to be read next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from subgraphs.connectors.errors import SourceState
from subgraphs.insight.measures.definition import Measures
from subgraphs.insight.model import Member, Said
from subgraphs.insight.store import intake
from subgraphs.insight.store.database import Connection, Database, open_database
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.scalars import rank

T = TypeVar("T")

WHOLE_AFTER: Final = timedelta(days=7)
"""A source need not tell what it deleted: after so long everything is read anew."""
_DAY: Final = len("YYYY-MM-DD")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask a source for, or the job that is still to be read."""

    since: str | None
    round: int
    job: str | None
    done: frozenset[str]
    """Addresses of files of that job that are read."""


@dataclass(frozen=True, slots=True)
class SourceExport:
    """How the last try went, and as of when what is counted is whole."""

    source: str
    state: SourceState
    as_of: str | None
    tried_at: str | None
    rows: int
    """Lines of the last whole export."""
    unreadable: int


class Store:
    """Open with `open_insight_store`; close with `close`."""

    def __init__(self, database: Database, measures: Measures) -> None:
        self._database = database
        self.measures = measures

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._database.read(work)

    async def close(self) -> None:
        await self._database.close()

    async def begin(self, source: str, at: datetime) -> Plan:
        """Note that an export is tried: the one under way, or a new one."""
        return await self._database.write(lambda cursor: self._begin(cursor, source, at))

    async def note_job(self, source: str, job: str | None) -> None:
        await self._database.write(
            lambda cursor: cursor.execute(
                "UPDATE export SET job = $2, done = [] WHERE source = $1", [source, job]
            )
        )

    async def note_done(self, source: str, file: str) -> None:
        await self._database.write(
            lambda cursor: cursor.execute(
                "UPDATE export SET done = list_append(done, $2) WHERE source = $1", [source, file]
            )
        )

    async def take_members(self, source: str, round_: int, members: Sequence[Member]) -> None:
        await self._database.write(lambda c: intake.take_members(c, source, round_, members))

    async def take_said(self, source: str, round_: int, said: Sequence[Said]) -> None:
        await self._database.write(lambda c: intake.take_said(c, source, round_, said))

    async def forget(self, source: str, keys: Sequence[tuple[str, str]]) -> None:
        await self._database.write(lambda c: intake.forget(c, source, keys))

    async def fail(self, source: str, state: SourceState) -> None:
        """What was read before goes on to count, as of when it did."""
        await self._database.write(
            lambda c: c.execute(
                "UPDATE export SET state = $2 WHERE source = $1", [source, state.value]
            )
        )

    async def finish(
        self, source: str, plan: Plan, as_of: str, at: datetime, *, rows: int, unreadable: int
    ) -> None:
        """Everything was read: what a whole export did not hold is no more."""

        def work(cursor: Connection) -> None:
            state = SourceState.INVALID if unreadable else SourceState.OK
            if plan.since is None:
                intake.forget_before(cursor, source, plan.round)
                cursor.execute(
                    "UPDATE export SET full_at = $2, concepts = $3 WHERE source = $1",
                    [source, at.isoformat(), self.measures.digest],
                )
            cursor.execute(
                "UPDATE export SET state = $2, as_of = $3, finished_at = $4, rows = $5, "
                "unreadable = $6, job = NULL, done = [] WHERE source = $1",
                [source, state.value, as_of, at.isoformat(), rows, unreadable],
            )

        await self._database.write(work)

    async def exports(self) -> list[SourceExport]:
        rows = await self.read(
            lambda c: c.execute(
                "SELECT source, state, as_of, tried_at, rows, unreadable FROM export ORDER BY 1"
            ).fetchall()
        )
        return [
            SourceExport(source, SourceState(state), as_of, tried_at, rows, unreadable)
            for source, state, as_of, tried_at, rows, unreadable in rows
        ]

    async def members(self, *, unknown: bool) -> list[Link]:
        """All patients of all sources, or those whose person is not known."""
        where = "WHERE person IS NULL AND is_active" if unknown else ""
        rows = await self.read(
            lambda c: c.execute(f"SELECT source, patient FROM member {where}").fetchall()  # noqa: S608 - a text of ours
        )
        return [Link(source, patient) for source, patient in rows]

    async def note_persons(self, members: Sequence[Link], persons: Mapping[Link, Person]) -> None:
        """Whose these records are; that of one whom the index does not know is nobody's."""

        def work(cursor: Connection) -> None:
            rows = [
                (
                    person.id if (person := persons.get(member)) else None,
                    (rank(person.born)[:_DAY] or None) if person else None,
                    msgspec.json.encode(sorted(person.links)).decode() if person else None,
                    member.source,
                    member.id,
                )
                for member in members
            ]
            cursor.execute(
                "UPDATE member SET person = n.person, birth = n.birth, links = n.links FROM "
                "(SELECT unnest($1::VARCHAR[]) AS person, unnest($2::DATE[]) AS birth, "
                "unnest($3::VARCHAR[]) AS links, "
                "unnest($4::VARCHAR[]) AS source, unnest($5::VARCHAR[]) AS patient) AS n "
                "WHERE member.source = n.source AND member.patient = n.patient",
                [list(column) for column in zip(*rows, strict=True)],
            )

        if members:
            await self._database.write(work)

    def _begin(self, cursor: Connection, source: str, at: datetime) -> Plan:
        cursor.execute(
            "INSERT INTO export (source, state, tried_at) VALUES ($1, $2, $3) "
            "ON CONFLICT DO UPDATE SET tried_at = excluded.tried_at",
            [source, SourceState.STALE.value, at.isoformat()],
        )
        found = cursor.execute(
            "SELECT as_of, full_at, concepts, round, job, job_since, done FROM export "
            "WHERE source = $1",
            [source],
        ).fetchone()
        assert found is not None, "it was just made"
        as_of, full_at, concepts, round_, job, job_since, done = found
        if job is not None:
            return Plan(job_since, round_, job, frozenset(done))
        is_due = full_at is None or at - datetime.fromisoformat(full_at) >= WHOLE_AFTER
        since = None if is_due or concepts != self.measures.digest else as_of
        cursor.execute(
            "UPDATE export SET round = round + 1, job_since = $2 WHERE source = $1", [source, since]
        )
        return Plan(since, round_ + 1, None, frozenset())


async def open_insight_store(
    home: Path, key: bytes, measures: Measures, *, memory_mb: int = 512
) -> Store:
    """Open or make it; raises `StoreUnreadableError`."""
    tables = (files(__package__) / "tables.sql").read_text(encoding="utf-8")
    database = await open_database(home, key, tables, memory_mb=memory_mb)
    return Store(database, measures)
