"""Compare what changed with all it shares a key with, and keep the pairs worth keeping.

A block that has grown beyond its bound is passed over; when it crosses the bound, either way, all
its members are compared anew, so that the pairs are always those of the present keys.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.blocking import MAX_BLOCK
from subgraphs.identity.index.crypto import IndexCipher, unpack
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.intake import KeyChange, features_of
from subgraphs.identity.index.matching import Matcher, Outcome
from subgraphs.identity.index.tables import blocks, members, pairs
from subgraphs.runtime.database import insert_rows, listed, parts_of, rows_in

_PAIR: Final = ("one", "other", "points", "outcome", "open")


async def pair_anew(
    connection: AsyncConnection,
    cipher: IndexCipher,
    matcher: Matcher,
    changes: Sequence[KeyChange],
) -> set[int]:
    """Bring the pairs up to date; the members whose pairs may have changed.

    Who came and is like nobody is not among them: a person of their own, and settled.
    """
    keys = {change.member: change.after for change in changes}
    grown = Counter(token for change in changes for token in change.after)
    grown.subtract(token for change in changes for token in change.before)
    most = MAX_BLOCK + 1 + max(map(abs, grown.values()), default=0)
    sizes = await _sizes(connection, grown, most)
    crossed = [
        token
        for token, by in grown.items()
        if (sizes[token] > MAX_BLOCK) != (sizes[token] - by > MAX_BLOCK)
    ]
    near = {no for block in (await _members_of(connection, crossed)).values() for no in block}
    if others := near - keys.keys():
        query = sa.select(members.c.no, members.c.blocks)
        rows = await rows_in(connection, query, members.c.no, others)
        keys |= {row.no: unpack(row.blocks) for row in rows}
        more = {token for no in others for token in keys[no]} - sizes.keys()
        sizes |= await _sizes(connection, more, MAX_BLOCK + 1)
    found = await _decide(connection, cipher, matcher, await _shared(connection, keys, sizes))
    old = keys.keys() - {change.member for change in changes if change.is_fresh}
    touched = old | await _forget(connection, old)
    await insert_rows(connection, pairs, _PAIR, [tuple(row[c] for c in _PAIR) for row in found])
    return touched | {row[side] for row in found for side in ("one", "other")}


async def _sizes(connection: AsyncConnection, tokens: Iterable[int], most: int) -> dict[int, int]:
    """How many share each token, counted no further than needed."""
    sizes: dict[int, int] = {}
    for part in parts_of(tokens):
        asked = listed(connection, part, blocks.c.token.type)
        some = sa.select(sa.literal(1)).where(blocks.c.token == asked.c.value).limit(most)
        counted = sa.select(sa.func.count()).select_from(some.correlate(asked).subquery())
        rows = await connection.execute(sa.select(asked.c.value, counted.scalar_subquery()))
        sizes |= {row[0]: row[1] for row in rows.all()}
    return sizes


async def _members_of(connection: AsyncConnection, tokens: Iterable[int]) -> dict[int, list[int]]:
    query = sa.select(blocks.c.token, blocks.c.member)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in await rows_in(connection, query, blocks.c.token, tokens):
        found[row.token].append(row.member)
    return found


async def _shared(
    connection: AsyncConnection, keys: Mapping[int, Sequence[int]], sizes: Mapping[int, int]
) -> set[tuple[int, int]]:
    """Every pair of one of these members with another that shares a key."""
    tokens = {token for own in keys.values() for token in own if 1 < sizes[token] <= MAX_BLOCK}
    return {
        two
        for block in (await _members_of(connection, tokens)).values()
        for two in combinations(sorted(block), 2)
        if two[0] in keys or two[1] in keys
    }


async def telling_blocks(
    connection: AsyncConnection, tokens: Collection[int]
) -> Mapping[int, list[int]]:
    """The members of each block that is not too large to tell anything."""
    sizes = await _sizes(connection, tokens, MAX_BLOCK + 1)
    return await _members_of(connection, [t for t, size in sizes.items() if 0 < size <= MAX_BLOCK])


async def _decide(
    connection: AsyncConnection,
    cipher: IndexCipher,
    matcher: Matcher,
    shared: Iterable[tuple[int, int]],
) -> list[dict[str, Any]]:
    known = await load_features(connection, cipher, {no for two in shared for no in two})
    found = []
    for one, other in shared:
        verdict = matcher.decide(known[one], known[other])
        if verdict.outcome is not Outcome.APART:
            row = {"one": one, "other": other, "points": verdict.points, "open": False}
            found.append(row | {"outcome": int(verdict.outcome)})
    return found


async def _forget(connection: AsyncConnection, anew: Collection[int]) -> set[int]:
    """Drop the pairs of these members; who the others were."""
    partners: set[int] = set()
    for own, far in ((pairs.c.one, pairs.c.other), (pairs.c.other, pairs.c.one)):
        ends = sa.select(own.label("own"), far.label("far"))
        rows = await rows_in(connection, ends, own, anew)
        partners |= {row.far for row in rows}
        if rows:
            gone = [{"own": no} for no in {row.own for row in rows}]
            await connection.execute(sa.delete(pairs).where(own == sa.bindparam("own")), gone)
    return partners


async def load_features(
    connection: AsyncConnection, cipher: IndexCipher, numbers: Iterable[int]
) -> dict[int, Features]:
    query = sa.select(members.c.no, members.c.source, members.c.name, members.c.features)
    rows = await rows_in(connection, query, members.c.no, numbers)
    return {row.no: features_of(cipher, row) for row in rows}
