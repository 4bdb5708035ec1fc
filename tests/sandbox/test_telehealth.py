"""The telehealth vendor's visits and webhooks."""

import asyncio
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from sandbox.data.appointments import BookedVisit
from sandbox.fhir.access import Grant
from sandbox.httpserver import Listener, Request, Response
from sandbox.telehealth.server import TelehealthServer
from sandbox.telehealth.webhooks import Webhook
from sandbox.wire import decode

STARTS = datetime(2026, 11, 23, 14, tzinfo=UTC)
ENDS = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
VISITS = [BookedVisit(f"visit-{n}", STARTS, ENDS, "Dr. A", "scheduled") for n in range(3)]


@pytest.fixture
def webhook():
    return Webhook("shared secret")


@pytest.fixture
def server(webhook):
    return TelehealthServer(
        VISITS,
        url="http://video.example",
        api_key="key",
        verify={"token": Grant("gateway", ())}.get,
        webhook=webhook,
    )


async def get(server, path, query="", token="key"):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await server.respond(Request("GET", path, query, headers))


async def test_many_visits_in_one_call(server):
    answer = await get(server, "/v1/visits", "ids=visit-2,nobody,visit-0,visit-2")
    visits = decode(answer.body)["visits"]
    assert [visit["id"] for visit in visits] == ["visit-2", "visit-0"]
    assert visits[0]["starts_at"] == "2026-11-23T14:00:00Z"
    assert visits[0]["status"] == "scheduled"


async def test_the_patients_door_stays_and_the_hosts_is_new_each_time(server):
    one, two = [decode((await get(server, "/v1/visits/visit-0")).body) for _ in range(2)]
    assert one["join_url"] == two["join_url"]
    assert one["start_url"] != two["start_url"]
    assert one["start_url"] != one["join_url"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v1/visits/nobody", "", 404),
        ("/v1/visits", "", 400),
        ("/v1/visits", "ids=", 400),
        ("/v1/visits", "ids=" + ",".join(f"v{n}" for n in range(101)), 400),
        ("/v2/visits", "ids=visit-0", 404),
    ],
)
async def test_refuses(server, path, query, status):
    assert (await get(server, path, query)).status == status


@pytest.mark.parametrize(("token", "status"), [("key", 200), ("token", 200), ("", 401), ("x", 401)])
async def test_takes_the_api_key_or_an_access_token(server, token, status):
    assert (await get(server, "/v1/visits/visit-0", token=token)).status == status


async def test_a_change_is_reported_with_a_signature(server, webhook):
    received = []

    async def receive(request):
        received.append(request)
        return Response(204)

    listener = Listener(receive)
    await listener.open(0)
    webhook.url = f"http://127.0.0.1:{listener.port}/hook"
    change = await server.change_status("visit-1", "started")
    assert (change.visit, change.delivered) == ({"id": "visit-1", "status": "started"}, 204)
    [request] = received
    signed = request.headers["x-timestamp"].encode() + b"." + request.body
    expected = hmac.new(b"shared secret", signed, hashlib.sha256).hexdigest()
    assert request.headers["x-signature"] == expected
    event = decode(request.body)
    assert (event["type"], event["visit"]) == ("visit.status", change.visit)
    assert decode((await get(server, "/v1/visits/visit-1")).body)["status"] == "started"
    await webhook.close()
    await listener.close()


async def test_a_change_happens_though_nobody_is_told(server, webhook):
    assert (await server.change_status("visit-1", "ended")).delivered is None
    webhook.url = "http://127.0.0.1:9"  # the discard port: nobody listens
    assert (await server.change_status("visit-1", "cancelled")).delivered is None
    await webhook.close()


async def test_refuses_a_status_or_visit_it_does_not_know(server):
    with pytest.raises(ValueError, match="no such status"):
        await server.change_status("visit-1", "lost")
    assert await server.change_status("nobody", "ended") is None


def test_counts_as_visits(server):
    assert server.classify(Request("GET", "/v1/visits", "ids=a")).kind == "visits"
    assert asyncio.run(get(server, "/v1/visits/visit-0")).status == 200
