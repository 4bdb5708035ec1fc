"""Check and read what a vendor of Twilio's shape pushes to us.

`X-Twilio-Signature` is the HMAC-SHA1, in base64, of the address it calls and, sorted by name, each
parameter's name and value, under the account's auth token.
https://www.twilio.com/docs/usage/security#validating-requests
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from subgraphs.connectors.telehealth.webhooks import (
    WINDOW,
    Headers,
    ReadNotice,
    StatusNotice,
    WebhookRefused,
)

STATUSES: Final[Mapping[str, str]] = {
    "room-created": "waiting",
    "participant-connected": "started",
    "room-ended": "ended",
}


def twilio_notices(secret: bytes, url: str) -> ReadNotice:
    def read(body: bytes, headers: Headers, now: float) -> StatusNotice | None:
        return read_twilio_notice(body, headers, url=url, secret=secret, now=now)

    return read


def read_twilio_notice(
    body: bytes, headers: Mapping[bytes, bytes], *, url: str, secret: bytes, now: float
) -> StatusNotice | None:
    """What it says, once its signature holds; None for an event that changes no status.

    `url` is our address as the vendor calls it. The signature covers no header, so the time within
    bounds how long a captured callback can be replayed.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise WebhookRefused("the callback cannot be read") from None
    signed = url + "".join(name + value for name, value in sorted(pairs))
    # SHA-1 is the vendor's choice; as an HMAC it is not broken.
    mac = base64.b64encode(hmac.digest(secret, signed.encode(), "sha1"))
    if not hmac.compare_digest(mac, headers.get(b"x-twilio-signature", b"")):
        raise WebhookRefused("the callback is not signed with the account's token")
    told = dict(pairs)
    at = _moment(told.get("Timestamp", ""))
    if abs(now - at.timestamp()) > WINDOW:
        raise WebhookRefused("the callback is not of the last five minutes")
    status = STATUSES.get(told.get("StatusCallbackEvent", ""))
    return None if status is None else StatusNotice(told.get("RoomName", ""), status, at)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WebhookRefused("the callback tells no time") from None
    if moment.tzinfo is None:
        raise WebhookRefused("the callback tells no time")
    return moment
