"""Writing the trail: a record is safe when `commit` returns, or the answer must not leave.

Requests that come together are committed together: while one batch is being written the next
collects, so the disk is waited for once for all of them. All writing is done by one thread, which
alone knows the end of the chain; a batch that fails leaves the chain as it was.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import SQLAlchemyError

from contract.audit_chain import (
    START,
    AuditKeys,
    SealedRow,
    Statement,
    checkpoint_hash,
    seal_row,
    sign_statement,
)
from contract.audit_record import AuditRecord
from contract.errors import Code
from gateway.audit.table import CHECKPOINTS, open_database, rows
from gateway.errors import BusyError
from gateway.telemetry import Metrics, log

CHECKPOINT_SECONDS = 1.0
CHECKPOINT_ROWS = 1_000
MAX_BATCH = 500


class AuditTrail:
    def __init__(self, home: Path, keys: AuditKeys, metrics: Metrics) -> None:
        """Raises `SQLAlchemyError` or `OSError` where the folder cannot be written."""
        self._metrics = metrics
        self._writer = _Writer(open_database(home), home / CHECKPOINTS, keys)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit")
        self._waiting: list[tuple[AuditRecord, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._stating: asyncio.TimerHandle | None = None

    async def commit(self, record: AuditRecord) -> None:
        """Returns once the record is on the disk; raises `BusyError` if it cannot be put there."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        await done

    async def is_writable(self) -> bool:
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._writer.is_writable
        )

    async def close(self) -> None:
        if self._writing is not None:
            # A request that was given up leaves its record behind: the data was read.
            await self._writing
        loop = asyncio.get_running_loop()
        if self._stating is not None:
            self._stating.cancel()
        await loop.run_in_executor(self._thread, self._writer.close)
        self._thread.shutdown()

    async def _write_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                records = [record for record, _ in batch]
                failure: Exception | None = None
                try:
                    await loop.run_in_executor(self._thread, self._writer.write, records)
                except Exception as error:  # noqa: BLE001 - whoever waits has to be told
                    log.error("audit_unavailable", count=len(batch), exc_info=error)
                    failure = error
                else:
                    self._metrics.audit_records.inc(len(batch))
                    self._metrics.audit_commits.inc()
                _tell(batch, failure)
        finally:
            self._writing = None
            if self._stating is None:
                # After the last request for long there is no write that could state it.
                self._stating = loop.call_later(CHECKPOINT_SECONDS, self._state_the_end)

    def _state_the_end(self) -> None:
        self._stating = None
        self._thread.submit(self._writer.state_if_behind)


def _tell(batch: list[tuple[AuditRecord, asyncio.Future[None]]], failure: Exception | None) -> None:
    for _, done in batch:
        if done.done():
            # Whoever asked has gone; the record stays, for the data was read.
            continue
        if failure is None:
            done.set_result(None)
        else:
            done.set_exception(BusyError(Code.AUDIT_UNAVAILABLE, note=type(failure).__name__))


@dataclass(slots=True)
class _End:
    """Of a chain."""

    position: int = 0
    mac: bytes = START


class _Writer:
    """Belongs to the writing thread."""

    def __init__(
        self,
        engine: Engine,
        checkpoints: Path,
        keys: AuditKeys,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._clock = clock
        self._process = secrets.token_hex(8)
        self._end = _End()
        self._checkpoints = os.open(checkpoints, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode=0o600)
        self._last_hash = ""
        self._stated = _End()
        self._stated_at = float("-inf")

    def write(self, records: list[AuditRecord]) -> None:
        sealed: list[SealedRow] = []
        end = self._end
        for record in records:
            row = seal_row(record, self._process, end.position + 1, end.mac, self._keys)
            sealed.append(row)
            end = _End(row.position, row.mac)
        with self._engine.begin() as connection:
            connection.execute(insert(rows), [msgspec.structs.asdict(row) for row in sealed])
        self._end = end
        due = self._clock() - self._stated_at >= CHECKPOINT_SECONDS
        if due or end.position - self._stated.position >= CHECKPOINT_ROWS:
            self._state()

    def is_writable(self) -> bool:
        try:
            with self._engine.connect() as connection:
                # Takes the lock that writing takes, and gives it back.
                connection.execute(text("BEGIN IMMEDIATE"))
                connection.rollback()
        except SQLAlchemyError:
            return False
        return True

    def state_if_behind(self) -> None:
        try:
            if self._end.position > self._stated.position:
                self._state()
        except OSError as error:
            # The next write, or the end, says it.
            log.error("checkpoint_unwritable", exc_info=error)

    def close(self) -> None:
        if self._end.position:
            self._state(closed=True)
        os.fsync(self._checkpoints)
        os.close(self._checkpoints)
        self._engine.dispose()

    def _state(self, *, closed: bool = False) -> None:
        """Write down, where the table's keeper need not reach, how far the chain has come."""
        statement = Statement(
            self._process,
            self._end.position,
            self._end.mac.hex(),
            self._clock(),
            self._last_hash,
            closed,
        )
        checkpoint = sign_statement(statement, self._keys)
        os.write(self._checkpoints, msgspec.json.encode(checkpoint) + b"\n")
        self._last_hash = checkpoint_hash(checkpoint)
        self._stated, self._stated_at = self._end, statement.at
