"""What payers have said about eligibility when they were asked: kept, encrypted, by coverage."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import uuid4

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.keys import derive_key
from subgraphs.connectors.x12.eligibility import Eligibility
from subgraphs.runtime.database import Database, rows_in
from subgraphs.runtime.idempotency import Asked, IdempotencyStore, idempotency_table
from subgraphs.runtime.sealing import RecordRef

_NONCE: Final = 12


class Check(msgspec.Struct, frozen=True):
    """One answer of a payer. `source` is who was asked."""

    id: str
    source: str
    service_type: str
    at: datetime
    eligibility: Eligibility


class _NotYetError(Exception):
    """The key is new: nobody has asked under it."""


def check_table(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "coverage_check",
        metadata,
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("coverage", sa.String(64), nullable=False, index=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


class Checks:
    """One per deployment. Which coverage a check is of lies there as a keyed hash."""

    def __init__(self, database: Database, metadata: sa.MetaData, key: bytes) -> None:
        self._database = database
        self._table = metadata.tables["coverage_check"]
        self._hashes = derive_key(key, "checks:coverage")
        self._cipher = AESGCM(derive_key(key, "checks:content"))
        self._once = IdempotencyStore(metadata.tables["coverage_idempotency"], key)

    async def noted(self, asked: Asked, at: datetime) -> Check | None:
        """What was answered under this key before. Raises KeyReusedError."""

        async def nothing() -> Check:
            raise _NotYetError

        try:
            async with self._database.writing() as connection:
                return await self._once.once(connection, asked, at, nothing, Check)
        except _NotYetError:
            return None

    async def note(
        self,
        asked: Asked,
        coverage: RecordRef,
        source: str,
        service_type: str,
        answer: tuple[datetime, Eligibility],
    ) -> Check:
        """The answer as it is kept; that of whoever was faster with the same key."""
        at, eligibility = answer
        async with self._database.writing() as connection:

            async def keep() -> Check:
                check = Check(str(uuid4()), source, service_type, at, eligibility)
                nonce, plain = secrets.token_bytes(_NONCE), msgspec.json.encode(check)
                sealed = nonce + self._cipher.encrypt(nonce, plain, check.id.encode())
                await connection.execute(
                    sa.insert(self._table).values(
                        id=check.id,
                        coverage=self._hash(coverage),
                        at=at.timestamp(),
                        sealed=sealed,
                    )
                )
                return check

            return await self._once.once(connection, asked, at, keep, Check)

    async def of_coverages(self, coverages: Iterable[RecordRef]) -> Mapping[RecordRef, list[Check]]:
        """The newest first."""
        hashed = {self._hash(ref): ref for ref in coverages}
        query = sa.select(self._table).order_by(self._table.c.at.desc(), self._table.c.id)
        async with self._database.reading() as connection:
            rows = await rows_in(connection, query, self._table.c.coverage, hashed)
        found: defaultdict[RecordRef, list[Check]] = defaultdict(list)
        for row in rows:
            found[hashed[row.coverage]].append(self._open(row.id, row.sealed))
        return found

    def _open(self, id_: str, sealed: bytes) -> Check:
        plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], id_.encode())
        return msgspec.json.decode(plain, type=Check)

    def _hash(self, ref: RecordRef) -> str:
        return hmac.digest(self._hashes, msgspec.json.encode(tuple(ref)), hashlib.sha256).hex()


def add_check_tables(metadata: sa.MetaData) -> None:
    check_table(metadata)
    idempotency_table("coverage", metadata)
