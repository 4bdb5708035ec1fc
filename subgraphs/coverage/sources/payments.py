"""What patients pay: each payment noted before it is asked for, and what became of it.

A payment has its place before the gateway hears of it, so that two who pay one invoice at once, or
one who asks again, never pay more than is due. What the gateway tells later, by webhook, in any
order and however often, moves a payment on and never back.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.keys import derive_key
from subgraphs.connectors.payments.gateway import CANCELED, SUCCEEDED, Intent
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import Database, rows_in

PAYMENTS: Final = sa.Table(
    "coverage_payment",
    sa.MetaData(),
    sa.Column("token", sa.String(36), primary_key=True),
    sa.Column("claim", sa.String(64), nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
ASKED: Final = "asked"
"""On its way to the gateway, or nobody knows how far it came."""
_FINAL: Final = frozenset({SUCCEEDED, CANCELED})
_FAILED: Final = frozenset({CANCELED, "requires_payment_method"})
_NONCE: Final = 12


class NotDueError(Exception):
    """Less is due than is to be paid: it was paid, or is being paid at this moment."""


class Paid(msgspec.Struct, frozen=True):
    """One payment of an invoice."""

    amount: int
    """In minor units."""
    currency: str
    at: float
    """When it was asked for, in seconds since 1970."""
    status: str = ASKED
    """The gateway's, or `asked`."""
    intent: str | None = None
    told_at: int = 0
    """When the gateway said so, in seconds since 1970."""

    @property
    def counts(self) -> bool:
        """Whether it is paid, or may be yet."""
        return self.status not in _FAILED


@dataclass(frozen=True, slots=True)
class Noted:
    token: str
    claim: str
    paid: Paid


class PaymentBook:
    """The payments of all invoices, encrypted; an invoice is that of a claim's records."""

    def __init__(self, database: Database, key: bytes, now: Callable[[], datetime]) -> None:
        self._database = database
        self._names = derive_key(key, "claims")
        self._cipher = AESGCM(derive_key(key, "payments"))
        self._now = now

    async def reserve(
        self, token: str, claim: Sequence[Link], amount: int, currency: str, due: int
    ) -> None:
        """Give a payment its place; NotDueError where more would be paid than is `due` in all.

        Done again under the same token it changes nothing.
        """
        async with self._database.writing() as connection:
            known = await self._of(connection, claim)
            if any(each.token == token for each in known):
                return
            if sum(each.paid.amount for each in known if each.paid.counts) + amount > due:
                raise NotDueError
            paid = Paid(amount, currency, self._now().timestamp())
            row = {"token": token, "claim": self._name(claim[0])}
            sealed = self._seal(token, paid)
            await connection.execute(sa.insert(PAYMENTS).values(**row, sealed=sealed))

    async def held(self, token: str) -> int | None:
        """How much a payment has its place for, in minor units."""
        async with self._database.reading() as connection:
            known = await self._by_token(connection, token)
        return known.amount if known else None

    async def release(self, token: str) -> None:
        """A payment that was declined leaves its place, unless it was taken after all."""
        async with self._database.writing() as connection:
            known = await self._by_token(connection, token)
            if known is not None and known.status == ASKED:
                gone = sa.delete(PAYMENTS).where(PAYMENTS.c.token == token)
                await connection.execute(gone)

    async def note(self, token: str, intent: Intent, at: int) -> bool:
        """Keep what the gateway said at a moment; False where that is no news, or not ours."""
        async with self._database.writing() as connection:
            known = await self._by_token(connection, token)
            if known is None or known.status in _FINAL:
                return False
            if known.told_at > at and intent.status not in _FINAL:
                return False
            if (known.status, known.intent) == (intent.status, intent.id):
                return False
            later = msgspec.structs.replace(
                known, status=intent.status, intent=intent.id, told_at=at
            )
            changed = sa.update(PAYMENTS).where(PAYMENTS.c.token == token)
            await connection.execute(changed.values(sealed=self._seal(token, later)))
        return True

    async def of_claims(self, claims: Sequence[Sequence[Link]]) -> list[list[Noted]]:
        """The payments of each claim, by any of its records, the latest first."""
        async with self._database.reading() as connection:
            everything = [link for claim in claims for link in claim]
            found = await self._of(connection, everything)
        names = [{self._name(link) for link in claim} for claim in claims]
        found.sort(key=lambda each: each.paid.at, reverse=True)
        return [[each for each in found if each.claim in own] for own in names]

    async def _of(self, connection: AsyncConnection, claim: Iterable[Link]) -> list[Noted]:
        names = {self._name(link) for link in claim}
        rows = await rows_in(connection, sa.select(PAYMENTS), PAYMENTS.c.claim, names)
        return [Noted(row.token, row.claim, self._open(row.token, row.sealed)) for row in rows]

    async def _by_token(self, connection: AsyncConnection, token: str) -> Paid | None:
        query = sa.select(PAYMENTS).where(PAYMENTS.c.token == token)
        row = (await connection.execute(query)).first()
        return self._open(token, row.sealed) if row else None

    def _name(self, link: Link) -> str:
        return hmac.new(self._names, msgspec.json.encode(link), hashlib.sha256).hexdigest()

    def _seal(self, token: str, paid: Paid) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, msgspec.json.encode(paid), token.encode())

    def _open(self, token: str, sealed: bytes) -> Paid:
        plain = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], token.encode())
        return msgspec.json.decode(plain, type=Paid)
