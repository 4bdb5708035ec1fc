"""Payment intents over HTTP, as far as an integration that confirms at once needs them.

https://docs.stripe.com/api/payment_intents: form-encoded requests, amounts in minor units, errors
as `{"error": {"type", "code", "message"}}`, and the answer to an `Idempotency-Key` repeated for as
long as the process lives, whatever it was; with other parameters the key is refused. The test
tokens are Stripe's own: https://docs.stripe.com/testing
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, parse_qsl

from sandbox.httpserver import Request, Response
from sandbox.keyfiles import KeyFiles
from sandbox.ledger import Call, Kind
from sandbox.payments.webhooks import Webhooks
from sandbox.wire import encode

INTENTS: Final = "/v1/payment_intents"
DECLINES: Final = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_authenticationRequired": ("authentication_required", None),
}
SLOW: Final = "pm_usBankAccount"
"""A debit that takes days: it is processing until somebody settles it."""
_SEARCH = re.compile(r"metadata\['(\w+)'\]:'([\w-]+)'")
_MOST: Final = 99_999_999


def open_payments(keys: KeyFiles, webhook_url: str | None) -> PaymentServer:
    """`webhook_url` is that of a video vendor: payments are told of at the same host."""
    host = webhook_url.partition("/webhooks/")[0] if webhook_url else None
    url = f"{host}/payments/webhook" if host else None
    return PaymentServer(keys.payments_key, Webhooks(keys.payments_secret, url))


@dataclass
class PaymentServer:
    key: str
    """What callers show as their bearer token."""
    webhooks: Webhooks
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _answered: dict[str, tuple[str, Response]] = field(default_factory=dict)

    def classify(self, request: Request) -> Call:
        if not request.path.startswith(INTENTS):
            return Call(Kind.OTHER, "payments")
        return Call(Kind.CREATE if request.method == "POST" else Kind.SEARCH, "PaymentIntent")

    async def respond(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "invalid_request_error", "api_key_invalid")
        if request.path == INTENTS and request.method == "POST":
            return await self._once(request)
        if request.path == f"{INTENTS}/search" and request.method == "GET":
            return self._search(request.query)
        id_ = request.path.removeprefix(f"{INTENTS}/")
        if request.method == "GET" and id_ in self.intents:
            return Response(200, encode(self.intents[id_]))
        return _error(404, "invalid_request_error", "resource_missing")

    async def _once(self, request: Request) -> Response:
        """https://docs.stripe.com/api/idempotent_requests"""
        key = request.headers.get("idempotency-key", "")
        digest = hashlib.sha256(request.body).hexdigest()
        if key in self._answered:
            known, answer = self._answered[key]
            if known != digest:
                return _error(400, "idempotency_error", "idempotency_error")
            return answer
        answer = await self._create(dict(parse_qsl(request.body.decode())))
        # What was refused before anything was done may be asked again.
        if key and answer.status != 400:  # noqa: PLR2004 - a bad request
            self._answered[key] = (digest, answer)
        return answer

    async def _create(self, form: dict[str, str]) -> Response:
        amount, currency = form.get("amount", ""), form.get("currency", "")
        if not amount.isdecimal() or not 50 <= int(amount) <= _MOST:  # noqa: PLR2004 - cents
            return _error(400, "invalid_request_error", "amount_too_small")
        if not re.fullmatch("[a-z]{3}", currency):
            return _error(400, "invalid_request_error", "parameter_invalid_string_empty")
        method = form.get("payment_method", "")
        if not method.startswith("pm_"):
            return _error(400, "invalid_request_error", "resource_missing")
        metadata = {
            name[len("metadata[") : -1]: value
            for name, value in form.items()
            if name.startswith("metadata[")
        }
        id_ = f"pi_{secrets.token_hex(12)}"
        intent: dict[str, Any] = {
            "id": id_,
            "object": "payment_intent",
            "amount": int(amount),
            "amount_received": 0,
            "currency": currency,
            "created": int(time.time()),
            "metadata": metadata,
            "payment_method": method,
            "status": "requires_payment_method",
        }
        self.intents[id_] = intent
        if method in DECLINES:
            code, reason = DECLINES[method]
            await self.webhooks.tell("payment_intent.payment_failed", intent)
            return _error(402, "card_error", code, reason, payment_intent=intent)
        if method == SLOW:
            intent["status"] = "processing"
            await self.webhooks.tell("payment_intent.processing", intent)
        else:
            await self._succeed(intent)
        return Response(200, encode(intent))

    async def settle(self) -> None:
        """Everything that is processing succeeds."""
        for intent in self.intents.values():
            if intent["status"] == "processing":
                await self._succeed(intent)

    async def _succeed(self, intent: dict[str, Any]) -> None:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        await self.webhooks.tell("payment_intent.succeeded", intent)

    def _search(self, query: str) -> Response:
        asked = _SEARCH.fullmatch(parse_qs(query).get("query", [""])[0])
        if asked is None:
            return _error(400, "invalid_request_error", "parameter_invalid_string_empty")
        name, value = asked.groups()
        found = [i for i in self.intents.values() if i["metadata"].get(name) == value]
        answer = {"object": "search_result", "data": found, "has_more": False}
        return Response(200, encode(answer))


def _error(
    status: int, type_: str, code: str, reason: str | None = None, **more: object
) -> Response:
    told = {"type": type_, "code": code, "message": "It was declined.", **more}
    if reason:
        told["decline_code"] = reason
    return Response(status, encode({"error": told}))
