"""The telehealth connector, against a vendor in memory."""

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.telehealth.client import TelehealthClient, TelehealthSource
from subgraphs.connectors.transport import open_client

SOURCE = TelehealthSource(id="telehealth", url="https://vendor.example", serves=("telehealth",))


def visit(id_: str) -> dict:
    return {
        "id": id_,
        "status": "scheduled",
        "starts_at": "2026-11-23T09:00:00Z",
        "host": {"name": PHI},
        "join_url": f"https://vendor.example/room/{id_}",
        "start_url": f"https://vendor.example/room/{id_}?host=secret",
    }


class Vendor:
    def __init__(self, *ids: str) -> None:
        self.ids = ids
        self.asked: list[list[str]] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        wanted = request.url.params["ids"].split(",")
        self.asked.append(wanted)
        return httpx2.Response(200, json={"visits": [visit(i) for i in wanted if i in self.ids]})


def client(answer) -> TelehealthClient:
    return TelehealthClient(SOURCE, open_client(SOURCE, network=httpx2.MockTransport(answer)))


class TestTheContract(ConnectorContract):
    def config(self):
        return SOURCE

    def good(self):
        return httpx2.Response(200, json={"visits": [visit("v1")]})

    async def ask(self, client):
        return await TelehealthClient(SOURCE, client).visits(["v1"])


async def test_many_visits_take_one_call():
    vendor = Vendor("v1", "v2")
    found = await client(vendor.answer).visits(["v1", "v2", "gone", "v1"])
    assert list(found) == ["v1", "v2"]
    assert found["v1"].join_url == "https://vendor.example/room/v1"
    assert vendor.asked == [["v1", "v2", "gone"]]


async def test_more_than_the_vendors_limit_go_in_chunks():
    vendor = Vendor(*(f"v{n}" for n in range(250)))
    found = await client(vendor.answer).visits(vendor.ids)
    assert (len(found), [len(asked) for asked in vendor.asked]) == (250, [100, 100, 50])


async def test_nothing_to_ask_is_no_call():
    vendor = Vendor()
    assert await client(vendor.answer).visits([]) == {}
    assert vendor.asked == []


async def test_visits_nobody_asked_for_are_dropped():
    answer = httpx2.Response(200, json={"visits": [visit("v1"), visit("foreign")]})
    found = await client(lambda _: answer).visits(["v1"])
    assert list(found) == ["v1"]


async def test_a_visit_shows_no_secret():
    found = await client(Vendor("v1").answer).visits(["v1"])
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "body", [{}, {"visits": [{}]}, {"visits": [{"id": "v1", "status": 1}]}, []]
)
async def test_refuses_what_are_no_visits(body):
    with pytest.raises(ProtocolViolation):
        await client(lambda _: httpx2.Response(200, json=body)).visits(["v1"])
