"""The index's database: opening it, and one writer at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateTable

from subgraphs.identity.index import tables
from subgraphs.identity.index.tables import asked, counters

ItemT = TypeVar("ItemT")

_MAKE_ASKED = CreateTable(asked, if_not_exists=True)
CHUNK = 5_000
"""Values of one statement: PostgreSQL takes 32,767."""


class Database:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees all earlier ones: those of other processes wait for this row."""
        async with self._lock, self._engine.begin() as connection:
            turn = sa.update(counters).where(counters.c.name == "turn")
            await connection.execute(turn.values(value=counters.c.value + 1))
            yield connection

    async def close(self) -> None:
        await self._engine.dispose()


async def open_database(url: str) -> Database:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    async with engine.begin() as connection:
        await tables.migrate(connection)
    return Database(engine)


def sqlite_url(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{home / 'identity.db'}"


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


def chunks(items: Iterable[ItemT], size: int = CHUNK) -> Iterator[Sequence[ItemT]]:
    everything = list(items)
    return (everything[at : at + size] for at in range(0, len(everything), size))


async def rows_in(
    connection: AsyncConnection,
    query: sa.Select[Any],
    column: sa.ColumnElement[Any],
    values: Iterable[Any],
) -> list[sa.Row[Any]]:
    """The rows whose column has one of these values, however many there are."""
    found: list[sa.Row[Any]] = []
    for chunk in chunks(values):
        found += await connection.execute(query.where(column.in_(chunk)))
    return found


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    # Readers and the one writer do not wait for each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    # In KiB: keys come in no order, so what does not fit is read and written again and again.
    cursor.execute("PRAGMA cache_size=-131072")
    cursor.close()
