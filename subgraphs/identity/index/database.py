"""The index's database, and what its transactions count and ask about."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable

from subgraphs.identity.index import tables
from subgraphs.identity.index.tables import asked, counters
from subgraphs.runtime.database import Database, open_database

_MAKE_ASKED = CreateTable(asked, if_not_exists=True)


async def open_index_database(url: str) -> Database:
    turn = sa.update(counters).where(counters.c.name == "turn")
    turn = turn.values(value=counters.c.value + 1)
    # What a crawl brought, the next brings again.
    return await open_database(url, tables.migrate, turn, synchronous="NORMAL")


async def take_numbers(connection: AsyncConnection, counter: str, count: int = 1) -> int:
    """The first of so many new numbers; the writer alone asks."""
    where = counters.c.name == counter
    last = await connection.scalar(sa.select(counters.c.value).where(where))
    assert last is not None, "the counters are made with the database"
    await connection.execute(sa.update(counters).where(where).values(value=last + count))
    return int(last) + 1


async def ask_about(connection: AsyncConnection, tokens: Iterable[int]) -> None:
    """Put tokens where statements of this transaction can join them."""
    await connection.execute(_MAKE_ASKED)
    await connection.execute(sa.delete(asked))
    if rows := [{"token": token} for token in sorted(set(tokens))]:
        await connection.execute(sa.insert(asked), rows)
