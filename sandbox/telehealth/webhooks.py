"""Signed notices of what becomes of a visit.

`x-signature` is the HMAC-SHA256, in hex, of `<x-timestamp>.<body>` under the shared secret; the
timestamp is in whole seconds, so that a receiver can refuse what is old.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import httpx2

from sandbox.wire import encode

_TIMEOUT_SECONDS = 5.0


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


class Webhook:
    def __init__(self, secret: str, url: str | None = None) -> None:
        self.url = url
        self._secret = secret
        self._client: httpx2.AsyncClient | None = None

    async def notify(self, event: dict[str, Any]) -> int | None:
        """The receiver's status; None if there is no receiver or it cannot be reached."""
        if self.url is None:
            return None
        body = encode(event)
        timestamp = str(int(time.time()))
        headers = {
            "content-type": "application/json",
            "x-timestamp": timestamp,
            "x-signature": sign(self._secret, timestamp, body),
        }
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        try:
            answer = await self._client.post(self.url, content=body, headers=headers)
        except httpx2.HTTPError:
            return None
        return answer.status_code

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
