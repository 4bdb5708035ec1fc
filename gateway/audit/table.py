"""The table of the trail, and how its database is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)

from contract.audit_chain import DATABASE

CHECKPOINTS = "audit.checkpoints"
BUSY_SECONDS = 5

_metadata = MetaData()

rows = Table(
    "audit",
    _metadata,
    Column("process", String(32), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)


def open_database(home: Path) -> Engine:
    """SQLite with a write-ahead log, which is on the disk when a commit returns.

    https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_engine(
        f"sqlite:///{home / DATABASE}",
        # The one writing thread is not the one that opened it.
        connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    _metadata.create_all(engine)
    return engine
