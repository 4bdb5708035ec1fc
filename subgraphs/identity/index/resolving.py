"""Settle whose the records are, after pairs or decisions have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.crypto import IndexCipher
from subgraphs.identity.index.intake import features_of
from subgraphs.identity.index.matching import Matcher, Outcome
from subgraphs.identity.index.people import Pair, grow, pair
from subgraphs.identity.index.tables import bonds, members, pairs
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import rows_in


class _Edge(NamedTuple):
    one: int
    other: int
    points: float | None
    """None for a bond."""
    is_one: bool = True


async def settle(
    connection: AsyncConnection, cipher: IndexCipher, matcher: Matcher, touched: Iterable[int]
) -> None:
    """Group anew everybody connected to these members, and say where a human should look."""
    numbers, edges = await _connected(connection, set(touched))
    rows = await _rows(connection, numbers)
    groups = _group(cipher, matcher, rows, edges)
    moved: list[dict[str, int]] = []
    for group in groups:
        founder = _founder(cipher, group)
        moved += [{"m": row.no, "p": founder} for row in group if row.person != founder]
    if moved:
        statement = sa.update(members).where(members.c.no == sa.bindparam("m"))
        await connection.execute(statement.values(person=sa.bindparam("p")), moved)
    await _open_reviews(connection, numbers)


async def _connected(connection: AsyncConnection, touched: set[int]) -> tuple[set[int], set[_Edge]]:
    """All members that links or bonds lead to from these, and the edges between them."""
    reached: set[int] = set()
    edges: set[_Edge] = set()
    while touched:
        found = await _edges(connection, touched)
        reached |= touched
        edges |= found
        near = (each for each in found if each.is_one)
        touched = {no for each in near for no in each[:2]} - reached
    return reached, {each for each in edges if each.one in reached and each.other in reached}


async def _edges(connection: AsyncConnection, numbers: Iterable[int]) -> set[_Edge]:
    found: set[_Edge] = set()
    linked = sa.select(pairs.c.one, pairs.c.other, pairs.c.points).where(
        pairs.c.outcome == int(Outcome.LINK)
    )
    decided = sa.select(bonds.c.one, bonds.c.other, bonds.c.is_one)
    for side in ("one", "other"):
        rows = await rows_in(connection, linked, pairs.c[side], numbers)
        found |= {_Edge(row.one, row.other, row.points) for row in rows}
        rows = await rows_in(connection, decided, bonds.c[side], numbers)
        found |= {_Edge(row.one, row.other, None, row.is_one) for row in rows}
    return found


async def _rows(connection: AsyncConnection, numbers: Iterable[int]) -> dict[int, sa.Row[Any]]:
    columns = (members.c.no, members.c.source, members.c.name, members.c.person)
    query = sa.select(*columns, members.c.first_seen, members.c.features)
    return {row.no: row for row in await rows_in(connection, query, members.c.no, numbers)}


def _group(
    cipher: IndexCipher,
    matcher: Matcher,
    rows: Mapping[int, sa.Row[Any]],
    edges: Iterable[_Edge],
) -> list[list[sa.Row[Any]]]:
    # By what they are called, not by their numbers, which tell in which order they came.
    key = {no: f"{row.source}/{row.name}" for no, row in rows.items()}
    by_key = {key[no]: row for no, row in rows.items()}
    linked = {no for each in edges for no in each[:2]}
    features = {key[no]: features_of(cipher, rows[no]) for no in linked}
    links: dict[Pair, float] = {}
    decided: dict[Pair, bool] = {}
    for each in edges:
        if each.points is None:
            decided[pair(key[each.one], key[each.other])] = each.is_one
        else:
            links[pair(key[each.one], key[each.other])] = each.points
    alone = [[rows[no]] for no in rows.keys() - linked]
    grown = grow(features, links, decided, matcher)
    return alone + [[by_key[name] for name in group] for group in grown]


def _founder(cipher: IndexCipher, group: list[sa.Row[Any]]) -> int:
    """The member that gives the person its id: the first that came, of one round the least id."""
    earliest = min(row.first_seen for row in group)
    first = [row for row in group if row.first_seen == earliest]
    if len(first) == 1:
        return int(first[0].no)

    def link(row: sa.Row[Any]) -> Link:
        return cipher.link(row.name)

    return int(min(first, key=link).no)


async def _open_reviews(connection: AsyncConnection, numbers: Iterable[int]) -> None:
    """Open the pairs of two people about whom nobody has decided; close all others."""
    known: dict[tuple[int, int], bool] = {}
    everything = sa.select(pairs.c.one, pairs.c.other, pairs.c.open)
    for side in ("one", "other"):
        rows = await rows_in(connection, everything, pairs.c[side], numbers)
        known |= {(row.one, row.other): row.open for row in rows}
    if not known:
        return
    ends = {no for two in known for no in two}
    columns = sa.select(members.c.no, members.c.person)
    rows = await rows_in(connection, columns, members.c.no, ends)
    person = {row.no: row.person for row in rows}
    bonded = sa.select(bonds.c.one, bonds.c.other)
    settled = {tuple(row) for row in await rows_in(connection, bonded, bonds.c.one, ends)}
    turned = []
    for (one, other), was_open in known.items():
        is_open = person[one] != person[other] and (one, other) not in settled
        if is_open != was_open:
            turned.append({"a": one, "b": other, "is_open": is_open})
    if turned:
        statement = sa.update(pairs).where(
            pairs.c.one == sa.bindparam("a"), pairs.c.other == sa.bindparam("b")
        )
        await connection.execute(statement.values(open=sa.bindparam("is_open")), turned)
