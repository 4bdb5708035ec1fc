"""Ask a gateway for money, once: payment intents, made and confirmed in one call.

Whoever pays is known to the gateway by a token of theirs, never to us by a card. Amounts are whole
minor units (cents). A call carries an idempotency key, under which the gateway does it once for at
least a day; what it was, is found again by the same key in the intent's metadata.
https://docs.stripe.com/api/idempotent_requests, https://docs.stripe.com/search
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.connector import Connector
from subgraphs.connectors.errors import ProtocolViolation

AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)

WRITE: Final = "chartgraph_write"
"""Where an intent's metadata has our key."""
SUCCEEDED, PROCESSING, CANCELED = "succeeded", "processing", "canceled"
_METHOD = re.compile(r"(pm|card|ba|src|tok)_[A-Za-z0-9_]{1,200}", re.ASCII)
_DIGITS = re.compile(r"\d{12,}", re.ASCII)


class Intent(msgspec.Struct, frozen=True):
    """A payment intent, as far as it matters here."""

    id: str
    amount: int
    """In minor units."""
    currency: str
    """ISO 4217, in small letters."""
    status: str
    """`requires_payment_method`, `requires_action`, `processing`, `succeeded`, `canceled`, …"""
    created: int
    metadata: dict[str, str] = {}

    @property
    def token(self) -> str | None:
        return self.metadata.get(WRITE)


class _Found(msgspec.Struct, frozen=True):
    data: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Order:
    amount: int
    """In minor units."""
    currency: str
    method: str
    """The gateway's token of a payment method."""


def is_method(token: str) -> bool:
    """Whether it is a token of a payment method, and nothing with a card's number in it."""
    return bool(_METHOD.fullmatch(token)) and not _DIGITS.search(token)


class PaymentSource(SourceConfig, frozen=True, kw_only=True, tag="payments"):
    """A payment gateway of the shape of Stripe; its secret key is the bearer token."""

    webhook_secret_file: Path | None = None


class PaymentGateway(Connector[PaymentSource]):
    settings = PaymentSource

    async def probe(self) -> tuple[str, ...]:
        await self.find(str(UUID(int=0)))
        return ()

    async def pay(self, order: Order, token: str) -> Intent:
        """Take the money; `Rejected` where the gateway or the bank declines, with the reason."""
        form = {
            "amount": str(order.amount),
            "currency": order.currency.lower(),
            "payment_method": order.method,
            "confirm": "true",
            # Nobody is there to be sent to a bank's page: such a payment is declined.
            "error_on_requires_action": "true",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            f"metadata[{WRITE}]": token,
        }
        answer = await self._client.post(
            "v1/payment_intents",
            data=form,
            headers={"Idempotency-Key": token},
            extensions={"idempotent": True},
        )
        intent = _read(answer.content, Intent)
        is_it = (intent.amount, intent.currency, intent.token) == (
            order.amount,
            order.currency.lower(),
            token,
        )
        if not is_it:
            raise ProtocolViolation("the gateway answered about another payment")
        return intent

    async def find(self, token: str) -> Intent | None:
        """What was made under a key. The gateway's search lags behind by a minute at most."""
        query = f"metadata['{WRITE}']:'{UUID(token)}'"
        answer = await self._client.get("v1/payment_intents/search", params={"query": query})
        found = _read(answer.content, _Found).data
        return next((intent for intent in found if intent.token == token), None)


def _read(content: bytes, type_: type[AnswerT]) -> AnswerT:
    try:
        return msgspec.json.decode(content, type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProtocolViolation("the gateway's answer cannot be read") from None
