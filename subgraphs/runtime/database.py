"""A subgraph's own database: SQLite in its folder, or PostgreSQL, by the same statements.

One writer at a time: whoever writes first takes the store's turn, a row that the writers of other
processes wait for, and so sees all that was written before.

For every value of an IN and every row of an INSERT SQLAlchemy does more work than the database
itself, and a page of patients has hundreds of thousands: here a list is one parameter, and rows go
to the driver as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Prepare: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
Synchronous: TypeAlias = Literal["FULL", "NORMAL"]

AT_ONCE: Final = 50_000
"""Values of one list: it bounds what a statement holds in memory."""
_MAKING: Final = 0x43_47
"""The advisory lock under which tables are made: two processes that start at once would collide."""


class Database:
    def __init__(self, engine: AsyncEngine, turn: sa.Update) -> None:
        self._engine = engine
        self._turn = turn
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees all earlier ones: those of other processes wait for this row."""
        async with self._lock, self._engine.begin() as connection:
            await connection.execute(self._turn)
            yield connection

    async def close(self) -> None:
        await self._engine.dispose()


async def open_database(
    url: str, prepare: Prepare, turn: sa.Update, *, synchronous: Synchronous = "FULL"
) -> Database:
    """`prepare` makes the tables that are absent; `turn` changes the row that writers wait for.

    `synchronous` is SQLite's: NORMAL is for what a loss of power may take back, since it can be
    had again. https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine.sync_engine, "connect", partial(_prepare_sqlite, synchronous))
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING)))
        await prepare(connection)
    return Database(engine, turn)


async def open_store(url: str, name: str, metadata: sa.MetaData) -> Database:
    """The database of a subgraph that needs no more than its tables."""
    turns = sa.Table(
        f"{name}_turn", sa.MetaData(), sa.Column("taken", sa.BigInteger, nullable=False)
    )

    async def prepare(connection: AsyncConnection) -> None:
        await connection.run_sync(turns.create, checkfirst=True)
        await connection.run_sync(metadata.create_all)
        if await connection.scalar(sa.select(turns.c.taken)) is None:
            await connection.execute(sa.insert(turns).values(taken=0))

    return await open_database(url, prepare, sa.update(turns).values(taken=turns.c.taken + 1))


def sqlite_url(home: Path, name: str) -> str:
    """Of the file `<name>.db` in the home folder, which is made where it is absent."""
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{home / name}.db"


def listed(
    connection: AsyncConnection, values: Sequence[int] | Sequence[str], type_: Any
) -> sa.TableValuedAlias:
    """A list as a table whose column is `value`."""
    column: sa.ColumnElement[Any] = sa.column("value", type_)
    if connection.dialect.name == "postgresql":
        array = sa.literal(values, ARRAY(type_))
        return sa.func.unnest(array).table_valued(column).render_derived()
    # https://www.sqlite.org/json1.html#the_json_each_and_json_tree_table_valued_functions
    return sa.func.json_each(msgspec.json.encode(values).decode()).table_valued(column)


def parts_of(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Lists of at most `AT_ONCE`, in order: what lies together in a tree is read together."""
    everything = sorted(set(values))
    return (everything[at : at + AT_ONCE] for at in range(0, len(everything), AT_ONCE))


async def rows_in(
    connection: AsyncConnection,
    query: sa.Select[Any],
    column: sa.ColumnElement[Any],
    values: Iterable[Any],
) -> list[sa.Row[Any]]:
    """The rows whose column has one of these values, however many there are."""
    found: list[sa.Row[Any]] = []
    for part in parts_of(values):
        among = sa.select(listed(connection, part, column.type).c.value)
        found += (await connection.execute(query.where(column.in_(among)))).all()
    return found


async def insert_rows(
    connection: AsyncConnection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Rows whose values stand in the order of these columns, which is the table's."""
    if not rows:
        return
    compiled = sa.insert(table).compile(dialect=connection.dialect, column_keys=columns)
    # What is compiled for a dialect with positions tells them in `positiontup`.
    assert list(getattr(compiled, "positiontup", columns)) == list(columns), "in the table's order"
    await connection.exec_driver_sql(str(compiled), list(rows))


def _prepare_sqlite(
    synchronous: Synchronous, connection: sa.engine.interfaces.DBAPIConnection, _: object
) -> None:
    cursor = connection.cursor()
    # Readers and the one writer do not wait for each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute("PRAGMA busy_timeout=30000")
    # In KiB: keys come in no order, so what does not fit is read and written again and again.
    cursor.execute("PRAGMA cache_size=-131072")
    cursor.close()
