"""What humans decide of people: kept forever, each with who, when and why, and all reversible.

A decision is about two sides, the records of either. It binds every record of the one to every
record of the other, as one person (LINK, MERGE) or as two (UNLINK, APART, UNMERGE); the latest
decision about two records holds, and the machine keeps to it. Because a decision is always about
whole people, bonds never contradict each other: https://hl7.org/fhir/R4/patient.html#linking

Merging also retires a record in favour of another: it stays findable, and tells where it went.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.crypto import IndexCipher
from subgraphs.identity.index.database import take_numbers
from subgraphs.identity.index.matching import Matcher
from subgraphs.identity.index.resolving import settle
from subgraphs.identity.index.tables import bonds, decided, decisions, members
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import rows_in


class Kind(StrEnum):
    LINK = "link"
    UNLINK = "unlink"
    APART = "apart"
    MERGE = "merge"
    UNMERGE = "unmerge"


class Refusal(StrEnum):
    """Why a decision cannot be taken as things stand."""

    ALREADY = "already"
    NOT_TOGETHER = "not-together"
    NOTHING_LEFT = "nothing-left"
    MERGED = "merged"
    NOT_MERGED = "not-merged"


class RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides, when and why; `subject` is that of the token, or the source that told us."""

    subject: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    no: int
    kind: Kind
    author: Author
    one: tuple[Link, ...]
    other: tuple[Link, ...]


class _Content(msgspec.Struct, frozen=True):
    subject: str
    reason: str
    one: tuple[Link, ...]
    other: tuple[Link, ...]
    was_one: bool = False
    """Of a merge: whether the two records were of one person before."""


Row: TypeAlias = Any
"""A row of `_MEMBER`."""


class Registrar:
    """Takes decisions within a writer's transaction; each raises `RefusedError`."""

    def __init__(self, connection: AsyncConnection, cipher: IndexCipher, matcher: Matcher) -> None:
        self._connection = connection
        self._cipher = cipher
        self._matcher = matcher

    async def link(self, one: Link, other: Link, author: Author) -> int:
        """Make two people one."""
        here, there = await self._people(one, other)
        if here[0].person == there[0].person:
            raise RefusedError(Refusal.ALREADY)
        return await self._decide(Kind.LINK, here, there, author)

    async def keep_apart(self, one: Link, other: Link, author: Author) -> int:
        """Say of two people that they are two."""
        here, there = await self._people(one, other)
        if here[0].person == there[0].person:
            raise RefusedError(Refusal.NOT_TOGETHER)
        return await self._decide(Kind.APART, here, there, author)

    async def unlink(self, leaving: Collection[Link], author: Author) -> int:
        """Take records out of the person they are of, to be a person of their own."""
        rows = [await self._member(link) for link in sorted(set(leaving))]
        if not rows or len({row.person for row in rows}) > 1:
            raise RefusedError(Refusal.NOT_TOGETHER)
        everyone = await self._members(rows[0].person)
        out = {row.no for row in rows}
        stay = [row for row in everyone if row.no not in out]
        if not stay:
            raise RefusedError(Refusal.NOTHING_LEFT)
        if any(row.merged_to and (row.no in out) != (row.merged_to in out) for row in everyone):
            # To part a merged record from what it was merged to is to un-merge it.
            raise RefusedError(Refusal.MERGED)
        return await self._decide(Kind.UNLINK, rows, stay, author)

    async def merge(self, prior: Link, surviving: Link, author: Author) -> int:
        """Retire one record in favour of another; all else of the two people comes together."""
        gone, kept = await self._member(prior), await self._member(surviving)
        if gone.merged_to is not None or kept.merged_to is not None or gone.no == kept.no:
            raise RefusedError(Refusal.MERGED)
        was_one = gone.person == kept.person
        here = [gone] if was_one else await self._members(gone.person)
        there = [kept] if was_one else await self._members(kept.person)
        no = await self._decide(Kind.MERGE, here, there, author, was_one=was_one)
        await self._mark(gone.no, merged_to=kept.no, merged_by=no)
        return no

    async def unmerge(self, prior: Link, author: Author) -> int:
        """Undo a merge: the record is in use again, and what came with it goes with it."""
        gone = await self._member(prior)
        if gone.merged_by is None:
            raise RefusedError(Refusal.NOT_MERGED)
        await self._mark(gone.no, merged_to=None, merged_by=None)
        merge = await self._content(gone.merged_by)
        came = {self._cipher.name(link) for link in merge.one}
        everyone = await self._members(gone.person)
        into = {row.no: row.merged_to for row in everyone} | {gone.no: None}
        leaving = {row.no for row in everyone if row.name in came}

        def leaves(no: int) -> bool:
            # A record merged since goes where it was merged to.
            while (onward := into[no]) is not None:
                no = onward
            return no in leaving

        here = [row for row in everyone if leaves(row.no)]
        there = [row for row in everyone if not leaves(row.no)]
        return await self._decide(Kind.UNMERGE, here, there, author, was_one=merge.was_one)

    async def is_kept_apart(self, one: Link, other: Link) -> bool:
        """Whether somebody has decided that these are two."""
        here, there = await self._people(one, other)
        query = sa.select(bonds.c.one, bonds.c.other).where(bonds.c.is_one.is_(False))
        numbers = {row.no for row in (*here, *there)}
        found = await rows_in(self._connection, query, bonds.c.one, numbers)
        across = {_ends(a.no, b.no) for a, b in product(here, there)}
        return any((row.one, row.other) in across for row in found)

    async def _decide(
        self,
        kind: Kind,
        here: Sequence[Row],
        there: Sequence[Row],
        author: Author,
        *,
        was_one: bool = False,
    ) -> int:
        no = await take_numbers(self._connection, "decision")
        one, other = self._links(here), self._links(there)
        content = _Content(author.subject, author.reason, one, other, was_one)
        await self._connection.execute(
            sa.insert(decisions).values(
                no=no,
                kind=kind.value,
                at=author.at.timestamp(),
                sealed=self._cipher.encrypt(f"decision {no}", content),
            )
        )
        numbers = {row.no for row in (*here, *there)}
        rows = [{"member": member, "decision": no} for member in sorted(numbers)]
        await self._connection.execute(sa.insert(decided), rows)
        if not (was_one and kind is Kind.UNMERGE):
            await self._bind(here, there, no, is_one=kind in (Kind.LINK, Kind.MERGE))
        await settle(self._connection, self._cipher, self._matcher, numbers)
        return no

    async def _bind(
        self, here: Sequence[Row], there: Sequence[Row], decision: int, *, is_one: bool
    ) -> None:
        across = sorted({_ends(a.no, b.no) for a, b in product(here, there)})
        if not across:
            return
        where = (bonds.c.one == sa.bindparam("a"), bonds.c.other == sa.bindparam("b"))
        old = [{"a": one, "b": other} for one, other in across]
        await self._connection.execute(sa.delete(bonds).where(*where), old)
        new = [
            {"one": one, "other": other, "is_one": is_one, "decision": decision}
            for one, other in across
        ]
        await self._connection.execute(sa.insert(bonds), new)

    async def _content(self, no: int) -> _Content:
        query = sa.select(decisions.c.sealed).where(decisions.c.no == no)
        sealed = await self._connection.scalar(query)
        assert sealed is not None, "decisions are never removed"
        return self._cipher.decrypt(f"decision {no}", sealed, _Content)

    async def _mark(self, no: int, **values: int | None) -> None:
        statement = sa.update(members).where(members.c.no == no)
        await self._connection.execute(statement.values(**values))

    async def _people(self, one: Link, other: Link) -> tuple[list[Row], list[Row]]:
        here, there = await self._member(one), await self._member(other)
        return await self._members(here.person), await self._members(there.person)

    async def _member(self, link: Link) -> Row:
        where = (members.c.source == link.source, members.c.name == self._cipher.name(link))
        row = (await self._connection.execute(_MEMBER.where(*where))).one_or_none()
        assert row is not None, "whoever is decided about has been looked up"
        return row

    async def _members(self, person: int) -> list[Row]:
        query = _MEMBER.where(members.c.person == person).order_by(members.c.no)
        return list(await self._connection.execute(query))

    def _links(self, rows: Iterable[Row]) -> tuple[Link, ...]:
        return tuple(sorted(self._cipher.link(row.name) for row in rows))


_MEMBER = sa.select(
    members.c.no, members.c.name, members.c.person, members.c.merged_to, members.c.merged_by
)


async def read_decision(connection: AsyncConnection, cipher: IndexCipher, no: int) -> Decision:
    row = (await connection.execute(sa.select(decisions).where(decisions.c.no == no))).one()
    return _read(cipher, row)


async def read_history(
    connection: AsyncConnection, cipher: IndexCipher, numbers: Iterable[int]
) -> list[Decision]:
    """Every decision about any of these members, the latest first."""
    about = sa.select(decided.c.decision).where(decided.c.member.in_(list(numbers)))
    query = sa.select(decisions).where(decisions.c.no.in_(about)).order_by(decisions.c.no.desc())
    return [_read(cipher, row) for row in await connection.execute(query)]


def _read(cipher: IndexCipher, row: Row) -> Decision:
    content = cipher.decrypt(f"decision {row.no}", row.sealed, _Content)
    author = Author(content.subject, datetime.fromtimestamp(row.at, UTC), content.reason)
    return Decision(row.no, Kind(row.kind), author, content.one, content.other)


def _ends(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)
