"""The index's database, and what its transactions count."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.identity.index import tables
from subgraphs.identity.index.tables import counters
from subgraphs.runtime.database import Database, open_database


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
