"""Check and read what a telehealth vendor pushes to us.

The signature is the HMAC-SHA256, in hex, of `<timestamp>.<body>` under the shared secret. The
timestamp bounds how long a captured notice can be replayed.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

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
