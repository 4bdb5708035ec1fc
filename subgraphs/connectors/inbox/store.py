"""The encrypted store of what was pushed: FHIR resources by source, type and patient.

On disk in clear are the sources' names, the types, the times, and ids that were made of the
senders' numbers by a keyed hash; the resources are AES-256-GCM ciphertexts bound to their place.
A message is taken in one transaction, once: whoever sends it again is told so.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from contract.keys import derive_key
from subgraphs.connectors.moments import sortable
from subgraphs.connectors.searched import Resource

PATIENT: Final = "Patient"
APPOINTMENT: Final = "Appointment"
_NONCE: Final = 12
_ID_LENGTH: Final = 32
_CHUNK: Final = 500
"""Values of one statement: SQLite takes 32,766, PostgreSQL no more."""
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_METADATA: Final = sa.MetaData()
_MESSAGES: Final = sa.Table(
    "inbox_messages",
    _METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("received_at", sa.String, nullable=False),
)
_RESOURCES: Final = sa.Table(
    "inbox_resources",
    _METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("patient", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index("inbox_by_patient", "source", "type", "patient"),
)
_RETIRED: Final = sa.Table(
    "inbox_retired",
    _METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("patient", sa.String, primary_key=True),
    sa.Column("survivor", sa.String, nullable=False),
)
_SERIES: Final = sa.Table(
    "inbox_series",
    _METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("series", sa.String, primary_key=True),
    sa.Column("version", sa.String, nullable=False),
)
_IN_SERIES: Final = sa.Table(
    "inbox_in_series",
    _METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("series", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
)
_NAMED: Final = sa.Table(
    "inbox_named",
    _METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("number", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Index("inbox_by_named", "source", "type", "id"),
)
"""Which appointments name whom, by a keyed hash of an identifier."""


class InboxUnreadableError(Exception):
    """The store was written with another key, or altered."""

    def __init__(self) -> None:
        super().__init__("the inbox cannot be read with this key")


@dataclass(frozen=True, slots=True)
class Version:
    """Which of several documents it is that take each other's place, with all that they tell."""

    series: tuple[str, ...]
    number: int
    written_at: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one message or document brings."""

    key: tuple[str, ...]
    """What makes it the same message again: its sender and its number."""
    resources: tuple[Resource, ...]
    retired: Mapping[str, str] = field(default_factory=dict)
    """Patients whose facts belong to another from now on, with that one's id."""
    version: Version | None = None
    """Of a document: what the former version told is gone, but for the patient."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What it tells and is not kept: how many of which kind."""


async def open_inbox(url: str, key: bytes) -> InboxStore:
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    async with engine.begin() as connection:
        await connection.run_sync(_METADATA.create_all)
    return InboxStore(engine, key)


def inbox_url(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{home / 'inbox.db'}"


class InboxStore:
    def __init__(self, engine: AsyncEngine, key: bytes) -> None:
        self._engine = engine
        self._cipher = AESGCM(derive_key(key, "resources"))
        self._names = derive_key(key, "names")

    async def close(self) -> None:
        await self._engine.dispose()

    def name(self, source: str, *parts: str) -> str:
        """An id for what these parts tell from other things of the source."""
        # Length before text: no two lists of parts read alike.
        told = "".join(f"{len(part)}:{part}" for part in (source, *parts))
        return hmac.new(self._names, told.encode(), "sha256").hexdigest()[:_ID_LENGTH]

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
            taken = await connection.execute(_insert_new(connection, _MESSAGES, received))
            if taken.rowcount == 0 or not await self._supersede(connection, source, delivery):
                return False
            for patient, survivor in delivery.retired.items():
                await self._retire(connection, source, patient, survivor)
            for resource in delivery.resources:
                await self._keep(connection, source, resource)
        return True

    async def by_patient(
        self, source: str, type_: str, patients: Iterable[str]
    ) -> dict[str, list[Resource]]:
        """Every resource of a type of each patient; one without any has an empty list."""
        asked = list(dict.fromkeys(patients))
        found: dict[str, list[Resource]] = {patient: [] for patient in asked}
        column = _RESOURCES.c.id if type_ == PATIENT else _RESOURCES.c.patient
        async with self._engine.connect() as connection:
            for row in await _rows_in(connection, _select(source, type_), column, asked):
                found[row.patient].append(self._open(source, type_, row))
        return found

    async def by_id(self, source: str, type_: str, ids: Sequence[str]) -> dict[str, Resource]:
        async with self._engine.connect() as connection:
            rows = await _rows_in(connection, _select(source, type_), _RESOURCES.c.id, ids)
            return {row.id: self._open(source, type_, row) for row in rows}

    async def by_named(
        self, source: str, type_: str, identifiers: Sequence[str]
    ) -> dict[str, list[Resource]]:
        """Those that name someone by one of these identifiers, `system|value`."""
        named = {self.name(source, "named", each): each for each in identifiers}
        query = sa.select(_NAMED).where(_NAMED.c.source == source, _NAMED.c.type == type_)
        async with self._engine.connect() as connection:
            rows = await _rows_in(connection, query, _NAMED.c.number, list(named))
        known = await self.by_id(source, type_, sorted({row.id for row in rows}))
        found: dict[str, list[Resource]] = {each: [] for each in identifiers}
        for row in rows:
            if row.id in known:
                found[named[row.number]].append(known[row.id])
        return found

    async def page(self, source: str, type_: str, after: str, size: int) -> list[Resource]:
        """The next resources of a type in the order of their ids."""
        query = _select(source, type_).where(_RESOURCES.c.id > after)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(_RESOURCES.c.id).limit(size))
            return [self._open(source, type_, row) for row in rows]

    async def _supersede(
        self, connection: AsyncConnection, source: str, delivery: Delivery
    ) -> bool:
        """Drop what the former version told; False if this one is the former."""
        version = delivery.version
        if version is None:
            return True
        series = {"source": source, "series": self.name(source, "series", *version.series)}
        number = f"{version.number:010} {sortable(version.written_at)}"
        # The row comes first: of two versions that come at once, one waits.
        await connection.execute(_insert_new(connection, _SERIES, {**series, "version": ""}))
        here = [_SERIES.c[name] == value for name, value in series.items()]
        query = sa.select(_SERIES.c.version).where(*here).with_for_update()
        if str(await connection.scalar(query)) > number:
            return False
        await connection.execute(sa.update(_SERIES).where(*here).values(version=number))
        within = [_IN_SERIES.c[name] == value for name, value in series.items()]
        former = await connection.execute(sa.select(_IN_SERIES).where(*within))
        for row in former.all():
            gone = _here(source, row.type, row.id)
            await connection.execute(sa.delete(_RESOURCES).where(*gone))
        await connection.execute(sa.delete(_IN_SERIES).where(*within))
        told = [
            {**series, "type": each["resourceType"], "id": each["id"]}
            for each in delivery.resources
            if each["resourceType"] != PATIENT
        ]
        if told:
            await connection.execute(sa.insert(_IN_SERIES), told)
        return True

    async def _keep(self, connection: AsyncConnection, source: str, resource: Resource) -> None:
        """In place of an older version; one that is newer already stays."""
        type_, id_ = resource["resourceType"], resource["id"]
        patient = await _survivor(connection, source, _patient_of(resource))
        here = _here(source, type_, id_)
        version = sortable(resource.get("meta", {}).get("lastUpdated"))
        known = await connection.scalar(sa.select(_RESOURCES.c.version).where(*here))
        if known is not None and known > version:
            return
        await connection.execute(sa.delete(_RESOURCES).where(*here))
        if type_ != PATIENT:
            resource = _moved(resource, _patient_of(resource), patient)
        await connection.execute(
            sa.insert(_RESOURCES).values(
                source=source,
                type=type_,
                id=id_,
                patient=id_ if type_ == PATIENT else patient,
                version=version,
                sealed=self._seal(source, type_, id_, resource),
            )
        )
        await self._note_named(connection, source, resource)

    async def _note_named(
        self, connection: AsyncConnection, source: str, resource: Resource
    ) -> None:
        place = {"source": source, "type": resource["resourceType"], "id": resource["id"]}
        here = [_NAMED.c[name] == value for name, value in place.items()]
        await connection.execute(sa.delete(_NAMED).where(*here))
        numbers = {self.name(source, "named", each) for each in _identifiers(resource)}
        if numbers:
            rows = [{**place, "number": number} for number in sorted(numbers)]
            await connection.execute(sa.insert(_NAMED), rows)

    async def _retire(
        self, connection: AsyncConnection, source: str, patient: str, survivor: str
    ) -> None:
        """From now on the survivor's: what is kept of the patient, and what may still come."""
        survivor = await _survivor(connection, source, survivor)
        if survivor == patient:
            return
        retired = _RETIRED.c
        await connection.execute(
            sa.update(_RETIRED)
            .where(retired.source == source, retired.survivor == patient)
            .values(survivor=survivor)
        )
        of_patient = (retired.source == source, retired.patient == patient)
        await connection.execute(sa.delete(_RETIRED).where(*of_patient))
        await connection.execute(
            sa.insert(_RETIRED).values(source=source, patient=patient, survivor=survivor)
        )
        rows = await connection.execute(
            sa.select(_RESOURCES).where(
                _RESOURCES.c.source == source, _RESOURCES.c.patient == patient
            )
        )
        for row in rows.all():
            await self._hand_over(connection, row, patient, survivor)

    async def _hand_over(
        self, connection: AsyncConnection, row: sa.Row[Any], patient: str, survivor: str
    ) -> None:
        resource = self._open(row.source, row.type, row)
        if row.type == PATIENT:
            other = {"reference": f"{PATIENT}/{survivor}"}
            changed = {
                **resource,
                "active": False,
                "link": [{"other": other, "type": "replaced-by"}],
            }
            values: dict[str, Any] = {}
        else:
            changed = _moved(resource, patient, survivor)
            values = {"patient": survivor}
        sealed = self._seal(row.source, row.type, row.id, changed)
        here = _here(row.source, row.type, row.id)
        await connection.execute(sa.update(_RESOURCES).where(*here).values(**values, sealed=sealed))

    def _seal(self, source: str, type_: str, id_: str, resource: Resource) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        plain = msgspec.json.Encoder(decimal_format="number").encode(resource)
        return nonce + self._cipher.encrypt(nonce, plain, _place(source, type_, id_))

    def _open(self, source: str, type_: str, row: sa.Row[Any]) -> Resource:
        nonce, sealed = row.sealed[:_NONCE], row.sealed[_NONCE:]
        try:
            plain = self._cipher.decrypt(nonce, sealed, _place(source, type_, row.id))
        except (InvalidTag, ValueError):
            raise InboxUnreadableError from None
        opened: Resource = _DECODER.decode(plain)
        return opened


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


def _select(source: str, type_: str) -> sa.Select[Any]:
    return sa.select(_RESOURCES).where(_RESOURCES.c.source == source, _RESOURCES.c.type == type_)


def _here(source: str, type_: str, id_: str) -> tuple[sa.ColumnElement[bool], ...]:
    columns = _RESOURCES.c
    return (columns.source == source, columns.type == type_, columns.id == id_)


def _insert_new(
    connection: AsyncConnection, table: sa.Table, values: Mapping[str, str]
) -> sa.Insert:
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as pg  # noqa: PLC0415 - its driver alone

        return pg(table).values(**values).on_conflict_do_nothing()
    return sa.insert(table).prefix_with("OR IGNORE").values(**values)


async def _survivor(connection: AsyncConnection, source: str, patient: str) -> str:
    retired = _RETIRED.c
    query = sa.select(retired.survivor).where(retired.source == source, retired.patient == patient)
    return str(await connection.scalar(query) or patient)


def _patient_of(resource: Resource) -> str:
    """Of a resource made here: who it is, its subject or patient, or the first to take part."""
    if resource["resourceType"] == PATIENT:
        return str(resource["id"])
    actors = (each.get("actor", {}) for each in resource.get("participant", ()))
    references: Iterator[str] = (
        each.get("reference", "")
        for each in (resource.get("subject", {}), resource.get("patient", {}), *actors)
    )
    prefix = f"{PATIENT}/"
    return next(each.removeprefix(prefix) for each in references if each.startswith(prefix))


def _identifiers(resource: Resource) -> Iterator[str]:
    """Of those who take part in an appointment, as a search by identifier means them."""
    for each in resource.get("participant", ()) if resource["resourceType"] == APPOINTMENT else ():
        number = each["actor"].get("identifier")
        if number:
            yield f"{number['system']}|{number['value']}"


def _moved(resource: Any, patient: str, survivor: str) -> Any:
    """The resource with every reference to the patient turned to the survivor."""
    if isinstance(resource, dict):
        return {name: _moved(value, patient, survivor) for name, value in resource.items()}
    if isinstance(resource, list):
        return [_moved(each, patient, survivor) for each in resource]
    return f"{PATIENT}/{survivor}" if resource == f"{PATIENT}/{patient}" else resource


def _place(source: str, type_: str, id_: str) -> bytes:
    return f"{source}/{type_}/{id_}".encode()


def _prepare_sqlite(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()
