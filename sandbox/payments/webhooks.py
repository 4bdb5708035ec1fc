"""Signed events of what becomes of payments; a gateway may repeat them, and send them in any order.

`Stripe-Signature: t=<seconds>,v1=<hex>`: the HMAC-SHA256 of `<t>.<body>` under the shared secret.
https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from sandbox.wire import encode

_TIMEOUT_SECONDS: Final = 5.0


def sign(secret: str, time: int, body: bytes) -> str:
    signed = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={time},v1={signed}"


@dataclass
class Webhooks:
    secret: str
    url: str | None = None
    told: list[dict[str, Any]] = field(default_factory=list)
    """Every event so far, in the order they happened."""
    _client: httpx2.AsyncClient | None = None
    _sending: set[asyncio.Task[int | None]] = field(default_factory=set)

    async def tell(self, type_: str, intent: dict[str, Any]) -> None:
        """Sends it by and by: nobody waits for a webhook."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "type": type_,
            "created": int(time.time()),
            "data": {"object": copy.deepcopy(intent)},
        }
        self.told.append(event)
        sending = asyncio.create_task(self.send(event))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def repeat_backwards(self) -> list[int | None]:
        """Everything once more, the last first, as happens after an outage."""
        return [await self.send(event) for event in reversed(self.told)]

    async def send(self, event: dict[str, Any]) -> int | None:
        """The receiver's status; None if there is no receiver or it cannot be reached."""
        if self.url is None:
            return None
        body = encode(event)
        headers = {
            "content-type": "application/json",
            "stripe-signature": sign(self.secret, int(time.time()), body),
        }
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        try:
            answer = await self._client.post(self.url, content=body, headers=headers)
        except httpx2.HTTPError:
            return None
        return answer.status_code

    async def close(self) -> None:
        await asyncio.gather(*self._sending, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
