"""What the wire sees, beyond what the contract asks of every connector."""

import asyncio
import contextlib
import gzip

import httpx2
import pytest

from chartgraph.testing.scripted import HANGS, Scripted
from subgraphs.connectors import transport
from subgraphs.connectors.auth import NoCredentials
from subgraphs.connectors.errors import (
    ProtocolViolation,
    RateLimited,
    Rejected,
    SourceState,
    Unavailable,
    UpstreamError,
)
from subgraphs.connectors.telehealth.client import TelehealthSource
from subgraphs.connectors.transport import Call, UpstreamTransport, open_client

URL = "https://vendor.example/api"
OK = httpx2.Response(200, json={})


def source(**settings) -> TelehealthSource:
    return TelehealthSource(id="telehealth", url=URL, serves=("telehealth",), **settings)


def client(
    network: httpx2.AsyncBaseTransport, pauses: list[float] | None = None, **settings
) -> httpx2.AsyncClient:
    async def note(seconds: float) -> None:
        if pauses is not None:
            pauses.append(seconds)

    upstream = UpstreamTransport(
        network,
        source(**settings),
        credentials=NoCredentials(),
        media_types=("application/json",),
        sleep=note,
    )
    return httpx2.AsyncClient(base_url=URL, transport=upstream)


async def test_pauses_at_random_but_not_for_long():
    pauses: list[float] = []
    for _ in range(50):
        await client(Scripted([httpx2.Response(503), OK]), pauses).get("x")
    assert len(pauses) == 50
    assert all(0 <= pause <= transport.PAUSE for pause in pauses)
    assert len(set(pauses)) > 1


async def test_pauses_as_long_as_the_source_asks():
    pauses: list[float] = []
    busy = httpx2.Response(429, headers={"Retry-After": "3"})
    await client(Scripted([busy, OK]), pauses).get("x")
    assert pauses == [3]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
async def test_reads_either_form_of_retry_after(header, seconds):
    network = Scripted([httpx2.Response(429, headers={"Retry-After": header})])
    with pytest.raises(RateLimited) as raised:
        await client(network).get("x")
    assert raised.value.retry_after == seconds


async def test_repeats_no_call_that_might_act_twice():
    network = Scripted([httpx2.Response(503), OK])
    with pytest.raises(Unavailable):
        await client(network).post("bookings")
    assert len(network.requests) == 1


@pytest.mark.parametrize("path", ["Patient/_search", "x"])
async def test_repeats_a_post_that_only_reads(path):
    network = Scripted([httpx2.Response(503), OK])
    extensions = {"idempotent": True} if path == "x" else {}
    await client(network).post(path, extensions=extensions)
    assert len(network.requests) == 2


async def test_a_connection_that_breaks_is_tried_again():
    network = Scripted([httpx2.ReadError("reset"), OK])
    assert (await client(network).get("x")).status_code == 200


async def test_never_leaves_the_sources_own_origin():
    network = Scripted([OK])
    for elsewhere in (
        "http://vendor.example/api",
        "https://vendor.example:444/",
        "https://x.example",
    ):
        with pytest.raises(ProtocolViolation, match="another server"):
            await client(network).get(elsewhere)
    assert network.requests == []


async def test_the_default_port_is_the_same_origin():
    await client(Scripted([OK])).get("https://vendor.example:443/api/x")


def zipped(content: bytes) -> httpx2.AsyncBaseTransport:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(content))
    )


async def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(ProtocolViolation, match="larger"):
        await client(zipped(bomb), max_response_bytes=10_000).get("x")


async def test_unpacks_what_is_small():
    assert (await client(zipped(gzip.compress(b"{}"))).get("x")).json() == {}


async def test_what_cannot_be_unpacked_is_refused():
    with pytest.raises(ProtocolViolation, match="decompressed"):
        await client(zipped(b"Lovelace")).get("x")


async def test_tells_issue_codes_but_no_free_text():
    issues = [{"code": "not-found", "diagnostics": "Lovelace"}, {"code": "Lovelace"}, {}]
    network = Scripted([httpx2.Response(404, json={"issue": issues})])
    with pytest.raises(Rejected) as raised:
        await client(network).get("x")
    assert raised.value.codes == ("not-found",)
    assert str(raised.value) == "the source declined the request with status 404 (not-found)"


@pytest.mark.parametrize(
    ("answer", "states"),
    [
        (OK, ["OK"]),
        (httpx2.Response(503), ["UNAVAILABLE", "UNAVAILABLE"]),
        (httpx2.Response(403), ["REFUSED"]),
        (httpx2.ConnectError(""), ["UNAVAILABLE", "UNAVAILABLE"]),
        (HANGS, ["TIMEOUT"]),
    ],
)
async def test_counts_every_call_on_the_wire(answer, states, monkeypatch):
    monkeypatch.setattr(transport, "PAUSE", 0)
    calls: list[Call] = []
    network = Scripted([answer])
    async with open_client(source(timeout=0.05), network=network, on_call=calls.append) as opened:
        with contextlib.suppress(UpstreamError):
            await opened.get("x")
    assert [(call.source, call.state) for call in calls] == [
        ("telehealth", SourceState(state)) for state in states
    ]


async def test_a_caller_who_leaves_is_no_failure_of_the_source():
    calls: list[Call] = []
    network = Scripted([HANGS])
    async with open_client(source(), network=network, on_call=calls.append) as opened:
        waiting = [asyncio.ensure_future(opened.get("x")) for _ in range(5)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(network.requests) == len(waiting)
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert calls == []
