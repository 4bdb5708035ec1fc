"""The vendor's notices: taken when they are its own, and used while it is down."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from subgraphs.connectors.telehealth.webhooks import WebhookRefused, rest_notices
from subgraphs.telehealth.sources import notices
from subgraphs.telehealth.sources.notices import WEBHOOK_PATH, NoticeBoard
from tests.subgraphs.signed import NOW, post
from tests.subgraphs.telehealth.graph import SECRET, subgraph, virtual_visits


def notice(visit: str = "v1", status: str = "started", minute: int = 0) -> bytes:
    event = {
        "id": "evt-1",
        "type": "visit.status",
        "occurred_at": f"2026-11-22T10:{minute:02d}:00Z",
        "visit": {"id": visit, "status": status},
    }
    return json.dumps(event).encode()


def sign(body: bytes, secret: bytes = SECRET) -> str:
    return hmac.new(secret, f"{int(NOW)}.".encode() + body, hashlib.sha256).hexdigest()


async def push(graph, body: bytes, signature: str | None = None) -> int:
    headers = [
        (b"X-Timestamp", str(int(NOW)).encode()),
        (b"X-Signature", (sign(body) if signature is None else signature).encode()),
    ]
    status, answer = await post(graph.app, WEBHOOK_PATH, body, headers)
    assert answer == b""
    return status


async def test_a_pushed_status_is_shown_while_the_vendor_is_down():
    graph = subgraph("v1")
    assert await push(graph, notice(status="started")) == 204
    graph.status = 503
    answer = await graph.ask("status joinUrl provenance { method }", graph.appointment("v1"))
    assert virtual_visits(answer) == [
        {"status": "STARTED", "joinUrl": None, "provenance": [{"method": "WEBHOOK"}]}
    ]
    (error,) = answer["errors"]
    assert error["path"][-1] == "joinUrl"
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"


async def test_the_vendors_own_answer_counts_for_more():
    graph = subgraph("v1")
    await push(graph, notice(status="started"))
    answer = await graph.ask("status provenance { method }", graph.appointment("v1"))
    assert virtual_visits(answer) == [{"status": "SCHEDULED", "provenance": [{"method": "REST"}]}]


@pytest.mark.parametrize("signature", ["", "forged", sign(notice(), b"another secret")])
async def test_a_notice_of_somebody_else_is_refused(signature):
    graph = subgraph("v1")
    assert await push(graph, notice(), signature) == 401
    assert graph.notices.latest("v1") is None


async def test_a_notice_overtaken_by_a_later_one_changes_nothing():
    graph = subgraph("v1")
    for minute, status in ((5, "ended"), (1, "started"), (5, "ended")):
        assert await push(graph, notice(status=status, minute=minute)) == 204
    assert graph.notices.latest("v1").status == "ended"


def take(board: NoticeBoard, visit: str) -> None:
    body = notice(visit)
    headers = {b"x-timestamp": str(int(NOW)).encode(), b"x-signature": sign(body).encode()}
    board.take(body, headers)


def board(secret: bytes | None = SECRET) -> NoticeBoard:
    read = rest_notices(secret) if secret else None
    return NoticeBoard("telehealth", read, now=lambda: datetime.fromtimestamp(NOW, UTC))


def test_the_board_is_bounded(monkeypatch):
    monkeypatch.setattr(notices, "CAPACITY", 2)
    kept = board()
    for visit in ("v1", "v2", "v3"):
        take(kept, visit)
    assert [kept.latest(visit) is not None for visit in ("v1", "v2", "v3")] == [False, True, True]


def test_without_a_secret_nothing_is_taken():
    with pytest.raises(WebhookRefused):
        take(board(None), "v1")
