"""Writes to upstreams, neither lost nor doubled: not even where either side dies in between.

    note    the intention and a random token, committed before anything is sent
    send    the write, carrying the token
    settle  the outcome, committed before the caller is answered

A caller who was not told the outcome asks again with the same idempotency key. What is settled is
answered from the note. What is not, we or the upstream having died on the way, is looked for at the
upstream by its token, and sent again under the same token only if it never arrived. A refusal
leaves no note: nothing was done, and what stood in the way may be gone the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from contract.errors import Code
from subgraphs.connectors.errors import (
    CircuitOpen,
    RateLimited,
    Refused,
    Rejected,
    UpstreamError,
)
from subgraphs.runtime.database import Database
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import KEPT, Asked, AskedSeal, KeyReusedError, OutcomeT
from subgraphs.runtime.request import utc_now

ToldT_co = TypeVar("ToldT_co", bound=msgspec.Struct, covariant=True)

LEASE: Final = timedelta(seconds=60)
"""How long others wait for a process that is at it, or has died: longer than any call takes."""
_NOT_DONE: Final = (Rejected, Refused, RateLimited, CircuitOpen)
"""An upstream that answers so has not done it. Of any other failure nobody can tell."""


class Write(Protocol[ToldT_co]):
    """One write to one upstream."""

    @property
    def source(self) -> str:
        """The upstream's id."""
        ...

    @property
    def outcome(self) -> type[ToldT_co]: ...

    async def send(self, token: str) -> ToldT_co:
        """Do it. The upstream keeps the token, a UUID, with what it does."""
        ...

    async def find(self, token: str) -> ToldT_co | None:
        """What became of it when it was sent under this token; None if it has not arrived."""
        ...


class OutcomeUnknownError(ClientError):
    """It may have been done or not; asked again with the same key, it is found out."""

    def __init__(self, source: str) -> None:
        super().__init__(Code.OUTCOME_UNKNOWN, source=source, retryable=True)


class InProgressError(ClientError):
    """The same intention is being seen to at this moment."""

    def __init__(self) -> None:
        super().__init__(Code.IN_PROGRESS, retryable=True)


class Writes:
    """The writes of one subgraph, noted in a table of its database (`write_table`)."""

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        key: bytes,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._table = table
        self._seal = AskedSeal(key)
        self._now = now

    async def perform(self, asked: Asked, write: Write[OutcomeT]) -> OutcomeT:
        """Do it once for the intention's key; what was done before is told again.

        Raises KeyReusedError, InProgressError, OutcomeUnknownError, and what `send` raises where
        that tells that nothing was done.
        """
        key = self._seal.key(asked)
        note = await self._note(key, self._seal.input(asked))
        if note.outcome is not None:
            return self._seal.open(note.outcome, key, write.outcome)
        try:
            done = await self._reach(write, note)
        except _NOT_DONE:
            # Of one that was sent before, the first may still be on its way.
            await self._end(key, forget=note.is_new)
            raise
        except BaseException:
            await asyncio.shield(self._end(key, forget=False))
            raise
        await asyncio.shield(self._settle(key, self._seal.seal(done, key)))
        return done

    async def _reach(self, write: Write[OutcomeT], note: _Note) -> OutcomeT:
        if not note.is_new:
            found = await self._look(write, note.token)
            if found is not None:
                return found
        try:
            return await write.send(note.token)
        except _NOT_DONE:
            raise
        except UpstreamError:
            found = await self._look(write, note.token)
            if found is None:
                raise OutcomeUnknownError(write.source) from None
            return found

    async def _look(self, write: Write[OutcomeT], token: str) -> OutcomeT | None:
        try:
            return await write.find(token)
        except UpstreamError:
            raise OutcomeUnknownError(write.source) from None

    async def _note(self, key: bytes, digest: bytes) -> _Note:
        """The note of this key, which is ours to see to until the lease ends."""
        table, now = self._table, self._now()
        until = (now + LEASE).timestamp()
        async with self._database.writing() as connection:
            found = (await connection.execute(sa.select(table).where(table.c.key == key))).first()
            if found is None:
                token = str(uuid4())
                row = {"key": key, "input": digest, "token": token, "at": now.timestamp()}
                await connection.execute(sa.insert(table).values(**row, busy_until=until))
                old = table.c.at < (now - KEPT).timestamp()
                await connection.execute(sa.delete(table).where(old))
                return _Note(token, is_new=True)
            if found.input != digest:
                raise KeyReusedError
            if found.outcome is None:
                if found.busy_until > now.timestamp():
                    raise InProgressError
                taken = sa.update(table).where(table.c.key == key).values(busy_until=until)
                await connection.execute(taken)
            return _Note(found.token, found.outcome)

    async def _settle(self, key: bytes, sealed: bytes) -> None:
        async with self._database.writing() as connection:
            row = sa.update(self._table).where(self._table.c.key == key)
            await connection.execute(row.values(outcome=sealed, busy_until=0.0))

    async def _end(self, key: bytes, *, forget: bool) -> None:
        """Let others have it; a note of what was never sent is of no use to them."""
        mine = self._table.c.key == key
        done = sa.delete(self._table) if forget else sa.update(self._table).values(busy_until=0.0)
        async with self._database.writing() as connection:
            await connection.execute(done.where(mine))


@dataclass(frozen=True, slots=True)
class _Note:
    token: str
    outcome: bytes | None = None
    is_new: bool = False


def write_table(subgraph: str, metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        f"{subgraph}_write",
        metadata,
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("input", sa.LargeBinary(32), nullable=False),
        sa.Column("token", sa.String(36), nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        sa.Column("busy_until", sa.Float, nullable=False),
        sa.Column("at", sa.Float, nullable=False, index=True),
    )
