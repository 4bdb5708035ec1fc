"""Rooms in Twilio's shape: named by us, there while in use, entered by a token we sign."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from joserfc import jwk, jwt

from chartgraph.testing.connectors import PHI, ConnectorContract
from subgraphs.connectors.config import BasicFile
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.telehealth.twilio import DOOR_LIFETIME, TwilioClient, TwilioSource
from subgraphs.connectors.telehealth.twilio_callbacks import read_twilio_notice
from subgraphs.connectors.telehealth.visit import NewVisit
from subgraphs.connectors.telehealth.webhooks import StatusNotice, WebhookRefused
from subgraphs.connectors.transport import open_client

URL = "https://ours.example/webhooks/rooms"
SOURCE = TwilioSource(
    id="rooms",
    url="https://video.example",
    serves=("telehealth",),
    account="AC" + "0" * 32,
    callback_url=URL,
    auth=BasicFile(user="SK" + "1" * 32, password_file=Path(__file__).with_name("rooms.secret")),
)
NOW = 1_800_000_000
NEW = NewVisit(datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC))


def client(answer) -> TwilioClient:
    wire = open_client(SOURCE, network=httpx2.MockTransport(answer))
    return TwilioClient(SOURCE, wire, now=lambda: NOW)


class TestTheContract(ConnectorContract):
    def config(self):
        return SOURCE

    def good(self):
        room = {"unique_name": "visit-1", "status": "in-progress", "friendly": PHI}
        return httpx2.Response(200, json={"rooms": [room], "meta": {"next_page_url": None}})

    async def ask(self, client):
        return await TwilioClient(SOURCE, client).visits(["visit-1", "visit-2"])


class Rooms:
    def __init__(self, **statuses):
        self.statuses, self.asked = statuses, []

    def answer(self, request):
        self.asked.append((request.method, request.url.path))
        if request.method == "POST" and request.url.path == "/v1/Rooms":
            (name,) = parse_qs(request.content.decode())["UniqueName"]
            self.form = parse_qs(request.content.decode())
            if self.statuses.get(name) == "in-progress":
                return httpx2.Response(400, json={"code": 53113})
            self.statuses[name] = "in-progress"
            return httpx2.Response(201, json={"unique_name": name, "status": "in-progress"})
        if request.url.path == "/v1/Rooms":
            names = sorted(n for n, s in self.statuses.items() if s == "in-progress")
            page = int(request.url.params.get("Page", 0))
            more = f"https://video.example/v1/Rooms?Page={page + 1}"
            rooms = [{"unique_name": n, "status": "in-progress"} for n in names[page : page + 1]]
            meta = {"next_page_url": more if page + 1 < len(names) else None}
            return httpx2.Response(200, json={"rooms": rooms, "meta": meta})
        name = request.url.path.rpartition("/")[2]
        if self.statuses.get(name) != "in-progress":
            return httpx2.Response(404, json={"code": 20404})
        return httpx2.Response(200, json={"unique_name": name, "status": "in-progress"})


async def test_a_visit_is_its_name_and_has_begun_once_there_is_a_room():
    rooms = Rooms(**{"visit-1": "in-progress", "visit-2": "in-progress", "visit-3": "completed"})
    found = await client(rooms.answer).visits(["visit-1", "visit-2", "visit-3", "not/a name"])
    statuses = {id_: visit.status for id_, visit in found.items()}
    assert statuses == {"visit-1": "started", "visit-2": "started", "visit-3": "scheduled"}
    assert rooms.asked == [("GET", "/v1/Rooms")] * 2


async def test_one_visit_is_asked_for_alone():
    rooms = Rooms(**{"visit-1": "in-progress"})
    assert (await client(rooms.answer).visits(["visit-1"]))["visit-1"].status == "started"
    assert (await client(rooms.answer).visits(["visit-9"]))["visit-9"].status == "scheduled"
    assert rooms.asked == [("GET", "/v1/Rooms/visit-1"), ("GET", "/v1/Rooms/visit-9")]


async def test_a_booking_needs_no_room_yet():
    rooms = Rooms()
    made = [await client(rooms.answer).create(NEW, token) for token in ("a", "a", "b")]
    assert made == ["visit-a", "visit-a", "visit-b"]
    assert rooms.asked == []


async def test_a_door_is_a_token_for_one_room_and_one_identity():
    rooms = Rooms()
    door, second = [await client(rooms.answer).door("visit-1", "guest-1", host=False) for _ in "12"]
    assert (door.url, door.room, door.identity) == (None, "visit-1", "guest-1")
    assert door.expires_at == datetime.fromtimestamp(NOW, UTC) + DOOR_LIFETIME
    assert rooms.form["StatusCallback"] == [URL]
    token = jwt.decode(door.token, jwk.OctKey.import_key(b"the key's secret"), algorithms=["HS256"])
    assert token.header == {"typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1"}
    jti = token.claims.pop("jti")
    assert token.claims == {
        "iss": SOURCE.auth.user,
        "sub": SOURCE.account,
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + DOOR_LIFETIME // timedelta(seconds=1),
        "grants": {"identity": "guest-1", "video": {"room": "visit-1"}},
    }
    assert jti.startswith(SOURCE.auth.user)
    assert door.token != second.token
    assert door.token not in repr(door)


async def test_a_name_that_is_none_has_no_door():
    rooms = Rooms()
    assert await client(rooms.answer).door("../Compositions", "x", host=True) is None
    assert rooms.asked == []


async def test_another_room_than_asked_is_refused():
    answer = httpx2.Response(201, json={"unique_name": "other", "status": "in-progress"})
    with pytest.raises(ProtocolViolation):
        await client(lambda _: answer).door("visit-1", "x", host=True)


async def test_a_page_that_leads_elsewhere_is_not_followed():
    meta = {"next_page_url": "https://evil.example/v1/Rooms"}
    page = httpx2.Response(200, json={"rooms": [], "meta": meta})
    with pytest.raises(ProtocolViolation, match="another server"):
        await client(lambda _: page).visits(["visit-1", "visit-2"])


async def test_calling_off_ends_the_room_where_there_is_one():
    await client(Rooms().answer).cancel("visit-1")


def form(event="room-ended", at=NOW, **more) -> dict[str, str]:
    return {
        "RoomName": "visit-1",
        "StatusCallbackEvent": event,
        "Timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
        "ParticipantIdentity": PHI,
        **more,
    }


def signature(told: dict[str, str], url=URL, secret=b"auth token") -> dict[bytes, bytes]:
    text = url + "".join(name + told[name] for name in sorted(told))
    return {b"x-twilio-signature": base64.b64encode(hmac.digest(secret, text.encode(), "sha1"))}


def read(told, headers):
    body = told if isinstance(told, bytes) else urlencode(told).encode()
    return read_twilio_notice(body, headers, url=URL, secret=b"auth token", now=NOW)


def test_takes_what_the_vendor_says():
    at = datetime.fromtimestamp(NOW, UTC)
    assert read(form(), signature(form())) == StatusNotice("visit-1", "ended", at)
    joined = form("participant-connected")
    assert read(joined, signature(joined)).status == "started"
    assert read(form("track-added"), signature(form("track-added"))) is None


@pytest.mark.parametrize(
    "attempt",
    [
        (form(), {}),
        (form(), signature(form(), url="https://ours.example/other")),
        (form(), signature(form(), secret=b"another")),
        (form(), signature(form("room-created"))),
        (form(Extra="x"), signature(form())),
        (form(at=NOW - 301), signature(form(at=NOW - 301))),
        (form(Timestamp="soon"), signature(form(Timestamp="soon"))),
        (b"\xff", signature(form())),
        (json.dumps(form()).encode(), signature(form())),
    ],
)
def test_refuses_what_is_not_the_vendors(attempt):
    with pytest.raises(WebhookRefused) as raised:
        read(*attempt)
    assert PHI not in str(raised.value)
