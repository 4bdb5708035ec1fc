"""The gateway's audit trail, read as it grows: what is new in it, and whether it fits.

Each process of the gateway has a chain of its own. Of each it is remembered how far it was read and
the MAC of the last row, so that the next row is checked against it, and so is that last row itself:
an end that was cut off, or a row that is not what it was, is told and stays told.
"""

from __future__ import annotations

import asyncio
import hmac
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from contract.audit_chain import (
    DATABASE,
    START,
    AuditKeys,
    SealedRow,
    UnsealError,
    open_row,
    row_mac,
)
from contract.audit_record import AuditRecord

PAGE: Final = 500
"""Rows of one process that are read at a time."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a chain was read, and the first position at which it did not fit."""

    position: int = 0
    mac: bytes = START
    broken_at: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    process: str
    position: int
    record: AuditRecord


@dataclass(frozen=True, slots=True)
class News:
    """What is new of one process's chain."""

    process: str
    entries: tuple[Entry, ...]
    place: Place
    more: bool = False


class TrailUnreadableError(Exception):
    """There is no trail where it is looked for, or it cannot be opened."""


class TrailReader:
    def __init__(self, home: Path, keys: AuditKeys) -> None:
        """Nothing is opened yet: the gateway may make its trail later than we start."""
        self._path = home / DATABASE
        self._keys = keys

    async def read(self, places: Mapping[str, Place]) -> list[News]:
        """At most a page of each chain; raises `TrailUnreadableError`."""
        return await asyncio.to_thread(self._read, places)

    def _read(self, places: Mapping[str, Place]) -> list[News]:
        if not self._path.exists():
            raise TrailUnreadableError
        engine = sa.create_engine("sqlite://", creator=self._connect)
        try:
            with engine.connect() as connection:
                told = connection.execute(sa.text("SELECT DISTINCT process FROM audit"))
                processes = {str(process) for (process,) in told} | places.keys()
                return [
                    self._news(connection, process, places.get(process, Place()))
                    for process in sorted(processes)
                ]
        except sa.exc.SQLAlchemyError:
            raise TrailUnreadableError from None
        finally:
            engine.dispose()

    def _connect(self) -> Any:
        # Read only: nothing of ours is to change what it reads.
        return sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5)

    def _news(self, connection: sa.Connection, process: str, place: Place) -> News:
        # The last row that was read is read again: it must still be there, as it was.
        query = sa.text(
            "SELECT process, position, sealed, mac FROM audit"
            " WHERE process = :process AND position >= :position ORDER BY position LIMIT :most"
        )
        asked = {"process": process, "position": place.position, "most": PAGE + 1}
        rows = [SealedRow(*row) for row in connection.execute(query, asked)]
        if place.position:
            known, rows = rows[:1], rows[1:]
            if [(row.position, row.mac) for row in known] != [(place.position, place.mac)]:
                place = _broken(place, place.position)
        entries, place = self._check(rows[:PAGE], place)
        return News(process, tuple(entries), place, more=len(rows) >= PAGE)

    def _check(self, rows: Iterable[SealedRow], place: Place) -> tuple[Sequence[Entry], Place]:
        entries = []
        for row in rows:
            fits = row.position == place.position + 1 and hmac.compare_digest(
                row.mac,
                row_mac(row.process, row.position, row.sealed, place.mac, self._keys.chain),
            )
            try:
                opened = open_row(row, self._keys)
            except UnsealError:
                fits = False
            else:
                fits = fits and opened.position == row.position
                entries.append(Entry(row.process, row.position, opened.record))
            broken_at = place.broken_at if fits else _broken(place, row.position).broken_at
            place = Place(row.position, row.mac, broken_at)
        return entries, place


def _broken(place: Place, position: int) -> Place:
    return place if place.broken_at is not None else Place(place.position, place.mac, position)
