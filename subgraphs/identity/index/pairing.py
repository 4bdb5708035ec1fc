"""Compare what changed with all it shares a key with, and keep the pairs worth keeping.

A block that has grown beyond its bound is passed over; when it crosses the bound, either way, all
its members are compared anew, so that the pairs are always those of the present keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.blocking import MAX_BLOCK
from subgraphs.identity.index.crypto import IndexCipher, unpack
from subgraphs.identity.index.database import ask_about
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.intake import KeyChange, features_of
from subgraphs.identity.index.matching import Matcher, Outcome
from subgraphs.identity.index.tables import asked, blocks, members, pairs
from subgraphs.runtime.database import rows_in


async def pair_anew(
    connection: AsyncConnection,
    cipher: IndexCipher,
    matcher: Matcher,
    changes: Sequence[KeyChange],
) -> set[int]:
    """Bring the pairs up to date; the members whose pairs may have changed."""
    changed = {change.member for change in changes}
    crossed = await _crossed(connection, changes)
    anew = changed | {member for block in crossed.values() for member in block}
    kept = await rows_in(connection, sa.select(members.c.no, members.c.blocks), members.c.no, anew)
    shared = await _shared(connection, {row.no: unpack(row.blocks) for row in kept})
    found = await _decide(connection, cipher, matcher, shared)
    touched = anew | await _forget(connection, anew)
    if found:
        await connection.execute(sa.insert(pairs), found)
    return touched | {row[side] for row in found for side in ("one", "other")}


async def _crossed(
    connection: AsyncConnection, changes: Sequence[KeyChange]
) -> Mapping[int, list[int]]:
    """Blocks that by these changes came to hold too many, or no longer too many."""
    grown: defaultdict[int, int] = defaultdict(int)
    for change in changes:
        for token in change.new:
            grown[token] += 1
        for token in change.gone:
            grown[token] -= 1
    turned = {token: by for token, by in grown.items() if by}
    most = MAX_BLOCK + 1 + max(map(abs, turned.values()), default=0)
    sizes = await _sizes(connection, turned, most)
    crossed = [
        token
        for token, by in turned.items()
        if (sizes[token] > MAX_BLOCK) != (sizes[token] - by > MAX_BLOCK)
    ]
    return await _members_of(connection, crossed)


async def _sizes(
    connection: AsyncConnection, tokens: Collection[int], most: int
) -> Mapping[int, int]:
    """How many share each token, counted no further than needed."""
    if not tokens:
        return {}
    await ask_about(connection, tokens)
    some = sa.select(sa.literal(1)).where(blocks.c.token == asked.c.token).limit(most)
    counted = sa.select(sa.func.count()).select_from(some.correlate(asked).subquery())
    rows = await connection.execute(sa.select(asked.c.token, counted.scalar_subquery()))
    return {row[0]: row[1] for row in rows}


async def _members_of(connection: AsyncConnection, tokens: Collection[int]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    if tokens:
        await ask_about(connection, tokens)
        query = sa.select(blocks.c.token, blocks.c.member).join(
            asked, blocks.c.token == asked.c.token
        )
        for token, member in await connection.execute(query):
            found[token].append(member)
    return found


async def _shared(
    connection: AsyncConnection, keys: Mapping[int, Sequence[int]]
) -> set[tuple[int, int]]:
    """Every pair of one of these members with another that shares a key."""
    tokens = {token for own in keys.values() for token in own}
    found = await telling_blocks(connection, tokens)
    return {
        two
        for block in found.values()
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
