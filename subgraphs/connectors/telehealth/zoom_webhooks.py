"""Check and read what Zoom pushes to us. https://developers.zoom.us/docs/api/webhooks/

`x-zm-signature` is `v0=` and the HMAC-SHA256, in hex, of `v0:<x-zm-request-timestamp>:<body>` under
the app's secret token. From time to time Zoom asks whether we hold that secret: a text of its own
comes back with its HMAC.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from subgraphs.connectors.telehealth.webhooks import (
    WINDOW,
    Challenge,
    Headers,
    ReadNotice,
    StatusNotice,
    WebhookRefused,
)

STATUSES: Final[Mapping[str, str]] = {
    "meeting.started": "started",
    "meeting.ended": "ended",
    "meeting.deleted": "cancelled",
}
_VALIDATION: Final = "endpoint.url_validation"


def zoom_notices(secret: bytes) -> ReadNotice:
    def read(body: bytes, headers: Headers, now: float) -> StatusNotice | Challenge | None:
        return read_zoom_notice(body, headers, secret=secret, now=now)

    return read


def read_zoom_notice(
    body: bytes, headers: Mapping[bytes, bytes], *, secret: bytes, now: float
) -> StatusNotice | Challenge | None:
    """What it says, once its signature holds; None for an event that changes no status."""
    timestamp = headers.get(b"x-zm-request-timestamp", b"")
    if not timestamp.isdigit() or abs(now - int(timestamp)) > WINDOW:
        raise WebhookRefused("the notice is not of the last five minutes")
    signed = "v0=" + _mac(secret, b"v0:" + timestamp + b":" + body)
    if not hmac.compare_digest(signed.encode(), headers.get(b"x-zm-signature", b"")):
        raise WebhookRefused("the notice is not signed with our shared secret")
    try:
        notice = msgspec.json.decode(body, type=_Notice)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise WebhookRefused("the notice cannot be read") from None
    if notice.event == _VALIDATION:
        plain = notice.payload.plainToken
        answer = {"plainToken": plain, "encryptedToken": _mac(secret, plain.encode())}
        return Challenge(msgspec.json.encode(answer))
    status = STATUSES.get(notice.event)
    if status is None:
        return None
    at = datetime.fromtimestamp(notice.event_ts / 1000, UTC)
    return StatusNotice(str(notice.payload.object.id), status, at)


class _Meeting(msgspec.Struct, frozen=True):
    id: int | str = ""
    """A number to the REST, a text to the webhooks."""


class _Payload(msgspec.Struct, frozen=True):
    object: _Meeting = _Meeting()
    plainToken: str = ""  # noqa: N815 - Zoom's name


class _Notice(msgspec.Struct, frozen=True):
    event: str
    event_ts: int
    """In milliseconds since 1970."""
    payload: _Payload = _Payload()


def _mac(secret: bytes, content: bytes) -> str:
    return hmac.new(secret, content, hashlib.sha256).hexdigest()
