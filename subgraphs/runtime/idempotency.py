"""Do a thing once for each idempotency key, even where the process dies in between.

What was done is noted in the transaction that does it: either both are there or neither. A caller
who was not answered asks again with the same key, and is answered with what was done the first
time. Refusals are not noted, since nothing was done: what stood in the way may be gone by then.
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header

What is done at an upstream cannot be in our transaction: that is `runtime.writes`.
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


class AskedSeal:
    """What of an intention lies on disk: keyed hashes of its key and its input, and its outcome
    as a ciphertext that belongs to that key."""

    def __init__(self, key: bytes) -> None:
        self._hashes = derive_key(key, "hashes")
        self._cipher = AESGCM(derive_key(key, "outcomes"))

    def key(self, asked: Asked) -> bytes:
        caller = asked.caller
        parts = (caller.issuer, caller.client_id, caller.subject, asked.mutation, asked.key)
        return self._hash(*(part.encode() for part in parts))

    def input(self, asked: Asked) -> bytes:
        return self._hash(msgspec.json.encode(asked.input))

    def seal(self, outcome: msgspec.Struct, key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(outcome), key)

    def open(self, sealed: bytes, key: bytes, outcome: type[OutcomeT]) -> OutcomeT:
        plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], key)
        return msgspec.json.decode(plain, type=outcome)

    def _hash(self, *parts: bytes) -> bytes:
        return hmac.digest(self._hashes, msgspec.json.encode(parts), hashlib.sha256)


class IdempotencyStore:
    """The keys of one subgraph, in a table of its own database (`idempotency_table`)."""

    def __init__(self, table: sa.Table, key: bytes) -> None:
        self._table = table
        self._seal = AskedSeal(key)

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
        key, digest, table = self._seal.key(asked), self._seal.input(asked), self._table
        found = (await connection.execute(sa.select(table).where(table.c.key == key))).first()
        if found is not None:
            if found.input != digest:
                raise KeyReusedError
            return self._seal.open(found.outcome, key, outcome)
        done = await effect()
        sealed = self._seal.seal(done, key)
        await connection.execute(
            sa.insert(table).values(key=key, input=digest, outcome=sealed, at=at.timestamp())
        )
        old = table.c.at < (at - KEPT).timestamp()
        await connection.execute(sa.delete(table).where(old))
        return done


def idempotency_table(subgraph: str, metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        f"{subgraph}_idempotency",
        metadata,
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("input", sa.LargeBinary(32), nullable=False),
        sa.Column("outcome", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Float, nullable=False, index=True),
    )
