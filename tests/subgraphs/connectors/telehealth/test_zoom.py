"""Zoom's shape: meetings one by one, no idempotency key, signed notices and a challenge."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

import httpx2
import msgspec
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from subgraphs.connectors.errors import ProtocolViolation, TimedOut
from subgraphs.connectors.telehealth.visit import NewVisit
from subgraphs.connectors.telehealth.webhooks import Challenge, StatusNotice, WebhookRefused
from subgraphs.connectors.telehealth.zoom import ZoomClient, ZoomSource
from subgraphs.connectors.telehealth.zoom_webhooks import read_zoom_notice
from subgraphs.connectors.transport import open_client

SOURCE = ZoomSource(id="zoom", url="https://zoom.example/v2", serves=("telehealth",))
NEW = NewVisit(
    datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "ehr-a/P/1"
)
SECRET = b"a secret token"
NOW = 1_800_000_000


def meeting(id_: int = 91, **more: object) -> dict:
    return {
        "id": id_,
        "status": "waiting",
        "start_time": "2026-11-23T09:00:00Z",
        "duration": 30,
        "join_url": f"https://zoom.example/j/{id_}",
        "start_url": f"https://zoom.example/s/{id_}?zak=secret",
        "topic": PHI,
        **more,
    }


def client(answer, source=SOURCE) -> ZoomClient:
    wire = open_client(source, network=httpx2.MockTransport(answer))
    return ZoomClient(source, wire)


class TestTheContract(ConnectorContract):
    def config(self):
        return SOURCE

    def good(self):
        listed = {**meeting(), "agenda": "ref token-1"}
        return httpx2.Response(200, json={"meetings": [listed]})

    async def ask(self, client):
        # A meeting that is not there is no failure, so it is the list that is asked for.
        return await ZoomClient(SOURCE, client).create(NEW, "token-1")


class Account:
    """Keeps meetings; the answer to the next creation may be lost."""

    def __init__(self):
        self.meetings, self.users, self.loses = {}, [], False

    def answer(self, request):
        path = request.url.path
        if request.method == "POST":
            self.users.append(path.split("/")[-2])
            made = {**json.loads(request.content), "id": 91 + len(self.meetings)}
            self.meetings[made["id"]] = made
            if self.loses:
                raise httpx2.ReadTimeout("lost")
            return httpx2.Response(201, json=made)
        if path.endswith("/meetings"):
            rows = [{"id": i, "agenda": m["agenda"]} for i, m in self.meetings.items()]
            start = int(request.url.params.get("next_page_token", 0))
            more = str(start + 1) if start + 1 < len(rows) else ""
            body = {"meetings": rows[start : start + 1], "next_page_token": more}
            return httpx2.Response(200, json=body)
        found = self.meetings.get(int(path.rpartition("/")[2]))
        if request.method == "DELETE":
            return httpx2.Response(204 if found else 404, json=None if found else {"code": 3001})
        return httpx2.Response(200, json=meeting(found["id"])) if found else httpx2.Response(404)


async def test_reads_a_meeting_and_leaves_out_what_is_none():
    account = Account()
    account.meetings[91] = {}
    account.meetings[91] = {"id": 91, "agenda": ""}
    found = await client(account.answer).visits(["91", "92", "visit-of-another", "91"])
    (visit,) = found.values()
    assert (visit.id, visit.status) == ("91", "scheduled")
    assert (visit.starts_at, visit.ends_at) == ("2026-11-23T09:00:00Z", "2026-11-23T09:30:00Z")
    assert visit.join_url == "https://zoom.example/j/91"
    assert "secret" not in repr(visit)


async def test_one_token_makes_one_meeting_with_its_own_host(tmp_path):
    account, hosts = Account(), tmp_path / "hosts.yaml"
    hosts.write_text("ehr-a/P/1: dr@clinic.example\n")
    zoom = client(account.answer, msgspec.structs.replace(SOURCE, hosts=hosts))
    first = await zoom.create(NEW, "token-1")
    assert await zoom.create(NEW, "token-1") == first
    other = await zoom.create(NEW, "token-2")
    assert other != first
    assert set(account.users) == {"dr@clinic.example"}
    (made, _) = account.meetings.values()
    assert (made["start_time"], made["duration"]) == ("2026-11-23T09:00:00Z", 30)
    assert made["settings"] == {"waiting_room": True, "join_before_host": False}


async def test_a_lost_answer_makes_no_second_meeting():
    account = Account()
    account.loses = True
    id_ = await client(account.answer).create(NEW, "token-1")
    assert list(account.meetings) == [int(id_)]


async def test_what_was_not_made_is_told():
    def answer(request):
        if request.method == "POST":
            raise httpx2.ReadTimeout("lost")
        return httpx2.Response(200, json={"meetings": []})

    with pytest.raises(TimedOut):
        await client(answer).create(NEW, "token-1")


async def test_a_list_without_end_is_refused():
    page = httpx2.Response(200, json={"meetings": [], "next_page_token": "more"})
    with pytest.raises(ProtocolViolation, match="does not end"):
        await client(lambda _: page).create(NEW, "token-1")


async def test_another_meeting_than_asked_is_refused():
    with pytest.raises(ProtocolViolation):
        await client(lambda _: httpx2.Response(200, json=meeting(92))).visits(["91"])


async def test_calling_off_what_is_gone_is_done():
    await client(Account().answer).cancel("91")


async def test_doors():
    account = Account()
    account.meetings[91] = {"id": 91, "agenda": ""}
    zoom = client(account.answer)
    guest, host = [await zoom.door("91", "x", host=host) for host in (False, True)]
    assert (guest.url, guest.expires_at) == ("https://zoom.example/j/91", None)
    assert host.url.endswith("zak=secret")
    assert host.expires_at is not None
    assert "secret" not in repr(host)
    assert await zoom.door("92", "x", host=True) is None


def notice(event="meeting.started", **payload) -> bytes:
    payload = payload or {"account_id": "a", "object": {"id": "91", "topic": PHI}}
    return json.dumps({"event": event, "event_ts": NOW * 1000, "payload": payload}).encode()


def signed(body: bytes, secret=SECRET, at=NOW) -> dict[bytes, bytes]:
    mac = hmac.new(secret, f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {b"x-zm-request-timestamp": str(at).encode(), b"x-zm-signature": f"v0={mac}".encode()}


def read(body, headers=None):
    headers = signed(body) if headers is None else headers
    return read_zoom_notice(body, headers, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    ("event", "status"), [("meeting.started", "started"), ("meeting.ended", "ended")]
)
def test_takes_what_zoom_says(event, status):
    at = datetime.fromtimestamp(NOW, UTC)
    assert read(notice(event)) == StatusNotice("91", status, at)


def test_answers_the_challenge():
    told = read(notice("endpoint.url_validation", plainToken="abc"))
    assert isinstance(told, Challenge)
    mac = hmac.new(SECRET, b"abc", hashlib.sha256).hexdigest()
    assert json.loads(told.reply) == {"plainToken": "abc", "encryptedToken": mac}


def test_what_changes_no_status_is_no_news():
    assert read(notice("meeting.participant_joined")) is None


@pytest.mark.parametrize(
    "attempt",
    [
        (notice(), {}),
        (notice(), signed(notice(), b"another")),
        (notice(), signed(notice("meeting.ended"))),
        (notice(), signed(notice(), at=NOW - 301)),
        (notice(), signed(notice()) | {b"x-zm-request-timestamp": "²".encode()}),
        (notice("endpoint.url_validation", plainToken="x"), {}),
        (b"{}", signed(b"{}")),
        (b"\xff", signed(b"\xff")),
    ],
)
def test_refuses_what_is_not_zooms(attempt):
    with pytest.raises(WebhookRefused) as raised:
        read(*attempt)
    assert PHI not in str(raised.value)
