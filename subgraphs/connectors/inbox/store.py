"""The encrypted store of what was pushed: FHIR resources by source, type and patient.

On disk in clear are the sources' names, the types, the times, and ids that were made of the
senders' numbers by a keyed hash; the resources are AES-256-GCM ciphertexts bound to their place.
A message is taken in one transaction, once: whoever sends it again is told so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from subgraphs.connectors.inbox.delivery import PATIENT, Delivery
from subgraphs.connectors.inbox.tables import (
    MESSAGES,
    METADATA,
    NAMED,
    RESOURCES,
    insert_new,
    of_type,
)
from subgraphs.connectors.inbox.taking import Taking
from subgraphs.connectors.inbox.vault import Vault
from subgraphs.connectors.searched import Resource

_CHUNK: Final = 500
"""Values of one statement: SQLite takes 32,766, PostgreSQL no more."""


async def open_inbox(url: str, key: bytes) -> InboxStore:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    return InboxStore(engine, key)


def inbox_url(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{home / 'inbox.db'}"


class InboxStore:
    def __init__(self, engine: AsyncEngine, key: bytes) -> None:
        self._engine = engine
        self._vault = Vault(key)
        self.name = self._vault.name

    async def close(self) -> None:
        await self._engine.dispose()

    async def take(self, source: str, delivery: Delivery) -> bool:
        """Keep what a message brings; False if it, or a later version, was taken before.

        All of it, or nothing.
        """
        received = {
            "source": source,
            "key": self.name(source, "message", *delivery.key),
            "received_at": datetime.now(UTC).isoformat(),
        }
        async with self._engine.begin() as connection:
            # The insert comes first: of two that bring the same message at once, one waits.
            taken = await connection.execute(insert_new(connection, MESSAGES, received))
            taking = Taking(connection, self._vault, source)
            if taken.rowcount == 0 or not await taking.supersede(delivery):
                return False
            for patient, survivor in delivery.retired.items():
                await taking.retire(patient, survivor)
            for resource in delivery.resources:
                await taking.keep(resource)
        return True

    async def by_patient(
        self, source: str, type_: str, patients: Iterable[str]
    ) -> dict[str, list[Resource]]:
        """Every resource of a type of each patient; one without any has an empty list."""
        asked = list(dict.fromkeys(patients))
        found: dict[str, list[Resource]] = {patient: [] for patient in asked}
        column = RESOURCES.c.id if type_ == PATIENT else RESOURCES.c.patient
        async with self._engine.connect() as connection:
            for row in await _rows_in(connection, of_type(source, type_), column, asked):
                found[row.patient].append(self._vault.open(source, type_, row))
        return found

    async def by_id(self, source: str, type_: str, ids: Sequence[str]) -> dict[str, Resource]:
        async with self._engine.connect() as connection:
            rows = await _rows_in(connection, of_type(source, type_), RESOURCES.c.id, ids)
            return {row.id: self._vault.open(source, type_, row) for row in rows}

    async def by_named(
        self, source: str, type_: str, identifiers: Sequence[str]
    ) -> dict[str, list[Resource]]:
        """Those that name someone by one of these identifiers, `system|value`."""
        named = {self.name(source, "named", each): each for each in identifiers}
        query = sa.select(NAMED).where(NAMED.c.source == source, NAMED.c.type == type_)
        async with self._engine.connect() as connection:
            rows = await _rows_in(connection, query, NAMED.c.number, list(named))
        known = await self.by_id(source, type_, sorted({row.id for row in rows}))
        found: dict[str, list[Resource]] = {each: [] for each in identifiers}
        for row in rows:
            if row.id in known:
                found[named[row.number]].append(known[row.id])
        return found

    async def page(self, source: str, type_: str, after: str, size: int) -> list[Resource]:
        """The next resources of a type in the order of their ids."""
        query = of_type(source, type_).where(RESOURCES.c.id > after)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(RESOURCES.c.id).limit(size))
            return [self._vault.open(source, type_, row) for row in rows]


async def _rows_in(
    connection: AsyncConnection,
    query: sa.Select[Any],
    column: sa.ColumnElement[Any],
    values: Sequence[str],
) -> list[sa.Row[Any]]:
    """The rows whose column has one of the values, however many there are."""
    found: list[sa.Row[Any]] = []
    for start in range(0, len(values), _CHUNK):
        found += await connection.execute(query.where(column.in_(values[start : start + _CHUNK])))
    return found


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()
