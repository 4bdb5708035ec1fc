"""Who a description may be of: asked of the index, without taking the description in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index.blocking import block_keys
from subgraphs.identity.index.crypto import IndexCipher
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.intake import features_of
from subgraphs.identity.index.matching import Matcher, Outcome, Verdict
from subgraphs.identity.index.pairing import telling_blocks
from subgraphs.identity.index.tables import members
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import rows_in

MAX_KEYS: Final = 40
"""Keys of one description that are asked about: the cost of a question has a bound."""


@dataclass(frozen=True, slots=True)
class Match:
    """A record the description may be of, and why."""

    link: Link
    verdict: Verdict


async def match(
    connection: AsyncConnection,
    cipher: IndexCipher,
    matcher: Matcher,
    described: Sequence[Features],
) -> list[list[Match]]:
    """For each description the records it may be of, the likeliest first.

    Of each are read at most `MAX_KEYS` blocks of `MAX_BLOCK` records: larger ones tell nothing.
    """
    tokens = [cipher.tokens(block_keys(each))[:MAX_KEYS] for each in described]
    blocks = await telling_blocks(connection, {token for own in tokens for token in own})
    near = [{no for token in own for no in blocks.get(token, ())} for own in tokens]
    columns = (members.c.no, members.c.source, members.c.name, members.c.features)
    query = sa.select(*columns).where(members.c.retired.is_(False))
    rows = await rows_in(connection, query, members.c.no, {no for each in near for no in each})
    known = {row.no: (row.name, features_of(cipher, row)) for row in rows}
    found = []
    for each, numbers in zip(described, near, strict=True):
        verdicts = (
            (known[no][0], matcher.decide(each, known[no][1])) for no in numbers if no in known
        )
        matches = [
            Match(cipher.link(name), verdict)
            for name, verdict in verdicts
            if verdict.outcome is not Outcome.APART
        ]
        found.append(sorted(matches, key=lambda match: (-match.verdict.points, match.link)))
    return found
