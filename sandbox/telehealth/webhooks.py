"""Signed notices of what becomes of a visit, each vendor's in its own way, and how they go astray.

`rest_headers`, `zoom_headers` and `twilio_headers` sign as docs/telehealth.md describes it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias
from urllib.parse import urlencode

import httpx2

from sandbox.wire import decode, encode

_TIMEOUT_SECONDS = 5.0

Headers: TypeAlias = Mapping[str, str]
Sign: TypeAlias = Callable[[str, str, bytes, Mapping[str, Any]], Headers]
"""From the secret, the address, the body and what it says."""
Pushed: TypeAlias = Literal["once", "twice", "held", "before"]
"""`held` keeps a notice back, and `before` sends what was held after this one."""
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def rest_headers(secret: str, _url: str, body: bytes, _event: Mapping[str, Any]) -> Headers:
    timestamp = str(int(time.time()))
    signature = sign(secret, timestamp, body)
    return {"content-type": JSON, "x-timestamp": timestamp, "x-signature": signature}


def zoom_headers(secret: str, _url: str, body: bytes, _event: Mapping[str, Any]) -> Headers:
    timestamp = str(int(time.time()))
    mac = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {
        "content-type": JSON,
        "x-zm-request-timestamp": timestamp,
        "x-zm-signature": f"v0={mac.hexdigest()}",
    }


def twilio_headers(secret: str, url: str, _body: bytes, event: Mapping[str, Any]) -> Headers:
    signed = url + "".join(f"{name}{event[name]}" for name in sorted(event))
    mac = base64.b64encode(hmac.digest(secret.encode(), signed.encode(), "sha1")).decode()
    return {"content-type": FORM, "x-twilio-signature": mac}


class Webhook:
    def __init__(self, secret: str, url: str | None = None, sign: Sign = rest_headers) -> None:
        self.url = url
        self.secret = secret
        self._sign = sign
        self._held: list[Mapping[str, Any]] = []
        self._client: httpx2.AsyncClient | None = None

    async def notify(self, event: Mapping[str, Any]) -> int | None:
        """The receiver's status; None if there is no receiver or it cannot be reached."""
        answer = await self._post(event)
        return None if answer is None else answer.status_code

    async def push(self, event: Mapping[str, Any], pushed: Pushed) -> int | None:
        """Likewise, in one of the ways in which notices go astray."""
        if pushed == "held":
            self._held.append(event)
            return None
        status = await self.notify(event)
        late = self._held if pushed == "before" else [event] if pushed == "twice" else []
        for each in list(late):
            status = await self.notify(each)
        if pushed == "before":
            self._held.clear()
        return status

    async def ask(self, event: Mapping[str, Any]) -> Any:
        """What the receiver answers, if that is JSON."""
        answer = await self._post(event)
        return decode(answer.content) if answer is not None and answer.content else None

    async def _post(self, event: Mapping[str, Any]) -> httpx2.Response | None:
        if self.url is None:
            return None
        is_form = self._sign is twilio_headers
        body = urlencode(dict(event)).encode() if is_form else encode(event)
        headers = dict(self._sign(self.secret, self.url, body, event))
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        try:
            return await self._client.post(self.url, content=body, headers=headers)
        except httpx2.HTTPError:
            return None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
