"""Check and read what a telehealth vendor pushes to us: what all say, and the plainest way.

The signature is the HMAC-SHA256, in hex, of `<timestamp>.<body>` under the shared secret. The
timestamp bounds how long a captured notice can be replayed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

WINDOW = 300
"""Seconds, in both directions: the clocks of vendor and receiver may differ."""


class WebhookRefused(Exception):
    """The notice is not the vendor's, or too old, or cannot be read; the message quotes nothing."""


@dataclass(frozen=True, slots=True)
class StatusNotice:
    """What any vendor's notice says."""

    visit: str
    status: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a vendor wants to hear back."""

    reply: bytes


Headers: TypeAlias = Mapping[bytes, bytes]
ReadNotice: TypeAlias = Callable[[bytes, Headers, float], StatusNotice | Challenge | None]
"""What a notice says, once its signature holds, by the time in seconds since 1970; None where that
is no visit's status. Raises `WebhookRefused`."""


class VisitNotice(msgspec.Struct, frozen=True):
    id: str
    status: str


class Notice(msgspec.Struct, frozen=True, tag_field="type", tag="visit.status"):
    id: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    visit: VisitNotice


def read_notice(
    body: bytes, *, timestamp: str | None, signature: str | None, secret: bytes, now: float
) -> Notice:
    """The notice, once its signature holds."""
    if not timestamp or not signature:
        raise WebhookRefused("the notice is not signed")
    if not timestamp.isascii() or not timestamp.isdecimal() or abs(now - int(timestamp)) > WINDOW:
        raise WebhookRefused("the notice is not of the last five minutes")
    signed = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed.encode(), signature.encode()):
        raise WebhookRefused("the notice is not signed with our shared secret")
    try:
        return msgspec.json.decode(body, type=Notice)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WebhookRefused("the notice cannot be read") from None


def rest_notices(secret: bytes) -> ReadNotice:
    def read(body: bytes, headers: Headers, now: float) -> StatusNotice:
        notice = read_notice(
            body,
            timestamp=headers.get(b"x-timestamp", b"").decode("latin-1"),
            signature=headers.get(b"x-signature", b"").decode("latin-1"),
            secret=secret,
            now=now,
        )
        return StatusNotice(notice.visit.id, notice.visit.status, notice.occurred_at)

    return read
