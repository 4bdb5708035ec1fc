"""The inbox's tables, and what is asked of them in more than one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

METADATA: Final = sa.MetaData()
MESSAGES: Final = sa.Table(
    "inbox_messages",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("received_at", sa.String, nullable=False),
)
RESOURCES: Final = sa.Table(
    "inbox_resources",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("patient", sa.String, nullable=False),
    sa.Column("version", sa.String, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Index("inbox_by_patient", "source", "type", "patient"),
)
RETIRED: Final = sa.Table(
    "inbox_retired",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("patient", sa.String, primary_key=True),
    sa.Column("survivor", sa.String, nullable=False),
)
SERIES: Final = sa.Table(
    "inbox_series",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("series", sa.String, primary_key=True),
    sa.Column("version", sa.String, nullable=False),
)
IN_SERIES: Final = sa.Table(
    "inbox_in_series",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("series", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
)
NAMED: Final = sa.Table(
    "inbox_named",
    METADATA,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("number", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Index("inbox_by_named", "source", "type", "id"),
)
"""Which appointments name whom, by a keyed hash of an identifier."""


def of_type(source: str, type_: str) -> sa.Select[Any]:
    return sa.select(RESOURCES).where(RESOURCES.c.source == source, RESOURCES.c.type == type_)


def here(source: str, type_: str, id_: str) -> tuple[sa.ColumnElement[bool], ...]:
    columns = RESOURCES.c
    return (columns.source == source, columns.type == type_, columns.id == id_)


def insert_new(
    connection: AsyncConnection, table: sa.Table, values: Mapping[str, str]
) -> sa.Insert:
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as pg  # noqa: PLC0415 - its driver alone

        return pg(table).values(**values).on_conflict_do_nothing()
    return sa.insert(table).prefix_with("OR IGNORE").values(**values)
