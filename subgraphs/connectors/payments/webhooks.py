"""Check and read what a gateway tells of its own accord: https://docs.stripe.com/webhooks

`Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>]`, the HMAC-SHA256 of `<t>.<body>` under the
shared secret; while a secret is exchanged there is one `v1` for each.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import msgspec

from subgraphs.connectors.payments.gateway import Intent

TOLERANCE: Final = 300
"""Seconds, in both directions: the clocks of gateway and receiver may differ."""
_ABOUT: Final = "payment_intent."


class WebhookRefused(Exception):
    """The event is not the gateway's, or too old, or cannot be read; the message quotes nothing."""


class Told(msgspec.Struct, frozen=True):
    """An event about an intent: what it was at that moment."""

    at: int
    """When it happened, in seconds since 1970: events may come twice, and in any order."""
    intent: Intent


class _Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class _Event(msgspec.Struct, frozen=True):
    type: str
    created: int
    data: _Data


def read_event(body: bytes, *, signature: str, secret: bytes, now: float) -> Told | None:
    """The event, once its signature holds; None for one that is about something else."""
    time, signed = _parts(signature)
    if time is None or abs(now - time) > TOLERANCE:
        raise WebhookRefused("the event is not of the last five minutes")
    expected = hmac.new(secret, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), each.encode()) for each in signed):
        raise WebhookRefused("the event is not signed with our shared secret")
    try:
        event = msgspec.json.decode(body, type=_Event)
        if not event.type.startswith(_ABOUT):
            return None
        return Told(event.created, msgspec.json.decode(event.data.object, type=Intent))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WebhookRefused("the event cannot be read") from None


def _parts(signature: str) -> tuple[int | None, list[str]]:
    """The time, and every signature of the scheme in use."""
    pairs = [part.strip().partition("=") for part in signature.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    is_one = len(times) == 1 and times[0].isascii() and times[0].isdecimal()
    return int(times[0]) if is_one else None, [value for name, _, value in pairs if name == "v1"]
