"""The pairs for a human: alike, but too little, or forbidden by a rule to be linked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.crypto import IndexCipher
from subgraphs.identity.index.tables import members, pairs
from subgraphs.runtime.crosswalk import Link


class Place(NamedTuple):
    """Where a pair stands in the queue."""

    points: float
    one: int
    other: int


@dataclass(frozen=True, slots=True)
class OpenPair:
    """Of two people the two records that are most alike."""

    place: Place
    one: Link
    other: Link


async def read_open_pairs(
    connection: AsyncConnection, cipher: IndexCipher, after: Place | None, limit: int
) -> list[OpenPair]:
    """The next pairs behind a place, the likeliest first, one for every two people."""
    here, there = members.alias(), members.alias()
    in_use = [
        condition
        for end in (here, there)
        for condition in (end.c.retired.is_(False), end.c.merged_to.is_(None))
    ]
    is_before = here.c.person < there.c.person
    people = (
        sa.case((is_before, here.c.person), else_=there.c.person),
        sa.case((is_before, there.c.person), else_=here.c.person),
    )
    order = (pairs.c.points.desc(), pairs.c.one, pairs.c.other)
    ranked = (
        sa.select(
            pairs.c.points,
            pairs.c.one,
            pairs.c.other,
            here.c.name.label("here"),
            there.c.name.label("there"),
            sa.func.row_number().over(partition_by=people, order_by=order).label("rank"),
        )
        .join(here, here.c.no == pairs.c.one)
        .join(there, there.c.no == pairs.c.other)
        .where(pairs.c.open, *in_use)
        .subquery()
    )
    best = ranked.c
    query = sa.select(ranked).where(best.rank == 1)
    if after is not None:
        behind = sa.tuple_(best.one, best.other) > sa.tuple_(
            sa.literal(after.one), sa.literal(after.other)
        )
        same = sa.and_(best.points == after.points, behind)
        query = query.where(sa.or_(best.points < after.points, same))
    query = query.order_by(best.points.desc(), best.one, best.other).limit(limit)
    return [
        OpenPair(
            Place(row.points, row.one, row.other), cipher.link(row.here), cipher.link(row.there)
        )
        for row in await connection.execute(query)
    ]


async def read_near(
    connection: AsyncConnection, cipher: IndexCipher, ends: Iterable[Link]
) -> set[Link]:
    """The other ends of open pairs."""
    names = [cipher.name(link) for link in ends]
    numbers = sa.select(members.c.no).where(members.c.name.in_(names))
    found: set[Link] = set()
    for own, far in ((pairs.c.one, pairs.c.other), (pairs.c.other, pairs.c.one)):
        query = sa.select(members.c.name).join(pairs, far == members.c.no)
        query = query.where(pairs.c.open, own.in_(numbers))
        found |= {cipher.link(name) for name in await connection.scalars(query)}
    return found
