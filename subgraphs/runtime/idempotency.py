"""Do a thing once for each idempotency key, even where the process dies in between.

What was done is noted in the transaction that does it: either both are there or neither. A caller
who was not answered asks again with the same key, and is answered with what was done the first
time. Refusals are not noted, since nothing was done: what stood in the way may be gone by then.
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.context import Caller
from contract.keys import derive_key

OutcomeT = TypeVar("OutcomeT", bound=msgspec.Struct)

KEPT: Final = timedelta(days=30)
"""How long a key is remembered."""
_NONCE = 12


class KeyReusedError(Exception):
    """The key came before, with another input."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One intention of one caller: keys of different callers and mutations never meet."""

    caller: Caller
    mutation: str
    key: str
    input: object
    """All that the caller asked for, in any form msgspec can encode."""


class IdempotencyStore:
    """The keys of one subgraph, in a table of its own database (`idempotency_table`).

    Keys and inputs lie there as keyed hashes, outcomes encrypted.
    """

    def __init__(self, table: sa.Table, key: bytes) -> None:
        self._table = table
        self._hashes = derive_key(key, "hashes")
        self._cipher = AESGCM(derive_key(key, "outcomes"))

    async def once(
        self,
        connection: AsyncConnection,
        asked: Asked,
        at: datetime,
        effect: Callable[[], Awaitable[OutcomeT]],
        outcome: type[OutcomeT],
    ) -> OutcomeT:
        """What `effect` gives within the connection's transaction, or what it gave before.

        Of two that come at once in two transactions one fails on the key, and is undone whole.
        """
        key, digest = self._hash(*_whose(asked)), self._hash(msgspec.json.encode(asked.input))
        table = self._table
        found = (await connection.execute(sa.select(table).where(table.c.key == key))).first()
        if found is not None:
            if found.input != digest:
                raise KeyReusedError
            sealed = found.outcome
            plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], key)
            return msgspec.json.decode(plain, type=outcome)
        done = await effect()
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, msgspec.json.encode(done), key)
        await connection.execute(
            sa.insert(table).values(key=key, input=digest, outcome=sealed, at=at.timestamp())
        )
        old = table.c.at < (at - KEPT).timestamp()
        await connection.execute(sa.delete(table).where(old))
        return done

    def _hash(self, *parts: bytes) -> bytes:
        return hmac.digest(self._hashes, msgspec.json.encode(parts), hashlib.sha256)


def idempotency_table(subgraph: str, metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        f"{subgraph}_idempotency",
        metadata,
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("input", sa.LargeBinary(32), nullable=False),
        sa.Column("outcome", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Float, nullable=False, index=True),
    )


def _whose(asked: Asked) -> tuple[bytes, ...]:
    caller = asked.caller
    parts = (caller.issuer, caller.client_id, caller.subject, asked.mutation, asked.key)
    return tuple(part.encode() for part in parts)
