"""Webhooks: only the vendor's own, and only fresh ones."""

import hashlib
import hmac
import json

import pytest

from subgraphs.connectors.telehealth.webhooks import WebhookRefused, read_notice

SECRET = b"shared"
NOW = 1_800_000_000
BODY = json.dumps(
    {
        "id": "evt-1",
        "type": "visit.status",
        "occurred_at": "2026-11-22T10:00:00Z",
        "visit": {"id": "v1", "status": "started"},
    }
).encode()


def sign(timestamp: str, body: bytes = BODY, secret: bytes = SECRET) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read(body=BODY, *, timestamp=str(NOW), signature=None):
    return read_notice(
        body,
        timestamp=timestamp,
        signature=sign(timestamp, body) if signature is None else signature,
        secret=SECRET,
        now=NOW,
    )


@pytest.mark.parametrize("age", [-300, 0, 300])
def test_takes_the_vendors_notice(age):
    notice = read(timestamp=str(NOW - age))
    assert (notice.id, notice.visit.id, notice.visit.status) == ("evt-1", "v1", "started")


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param({"timestamp": str(NOW - 301)}, id="old"),
        pytest.param({"timestamp": str(NOW + 301)}, id="of the future"),
        pytest.param({"timestamp": "", "signature": "x"}, id="no time"),
        pytest.param({"signature": ""}, id="no signature"),
        pytest.param({"signature": sign(str(NOW), secret=b"other")}, id="another secret"),
        pytest.param({"signature": sign(str(NOW - 1))}, id="another time"),
        pytest.param({"signature": sign(str(NOW), BODY + b" ")}, id="another body"),
        pytest.param({"signature": "ü"}, id="not even ASCII"),
        pytest.param({"timestamp": "²", "signature": "x"}, id="a digit, but no number"),
        pytest.param({"body": b"{}"}, id="no notice"),
        pytest.param({"body": b"\xff"}, id="no text"),
        pytest.param({"body": BODY.replace(b"00Z", b"00")}, id="of no certain time"),
        pytest.param({"body": BODY.replace(b"visit.status", b"chat")}, id="of another type"),
    ],
)
def test_refuses(attempt):
    with pytest.raises(WebhookRefused):
        read(**attempt)
