"""Both clients keep one promise: the bytes of a JSON answer, or one of two errors."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.execution.client import HeaderSink, SubgraphInvalidResponse, SubgraphUnavailable
from gateway.execution.direct_client import DirectSubgraphClient
from gateway.execution.http_client import HttpSubgraphClient

JSON = "application/json"
LIMIT = 1000


class Subgraph:
    """Answers as told, and keeps what it was asked."""

    def __init__(self, status: int = 200, type_: str = JSON, body: bytes = b'{"data":{}}') -> None:
        self.status, self.type, self.body = status, type_, body
        self.headers: dict[str, str] = {}
        self.received: list[bytes] = []
        self.answer_headers: dict[str, str] = {}
        self.peers: set[object] = set()
        self.stuck = False
        self.torn = False
        self.asked = asyncio.Event()

    @asynccontextmanager
    async def over_http(self):
        async def handle(request: web.Request) -> web.StreamResponse:
            self.headers = {k.lower(): v for k, v in request.headers.items()}
            self.received.append(await request.read())
            self.asked.set()
            self.peers.add(request.transport.get_extra_info("peername"))
            if self.stuck:
                await asyncio.sleep(60)
            headers = {"content-type": self.type, **self.answer_headers}
            if self.torn:
                headers["content-length"] = str(len(self.body) + 10)
                response = web.StreamResponse(status=self.status, headers=headers)
                await response.prepare(request)
                await response.write(self.body)
                request.transport.close()
                return response
            return web.Response(status=self.status, body=self.body, headers=headers)

        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", "/{any:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/graphql"
        client = HttpSubgraphClient(url, max_response_bytes=LIMIT)
        yield client
        await client.close()
        await runner.cleanup()

    @asynccontextmanager
    async def in_process(self):
        async def app(scope, receive, send):
            assert (scope["type"], scope["method"], scope["path"]) == ("http", "POST", "/graphql")
            self.headers = {k.decode(): v.decode() for k, v in scope["headers"]}
            message = await receive()
            self.received.append(message["body"])
            self.asked.set()
            if self.stuck:
                await asyncio.sleep(60)
            headers = {"content-type": self.type, **self.answer_headers}
            pairs = [(k.encode(), v.encode()) for k, v in headers.items()]
            await send({"type": "http.response.start", "status": self.status, "headers": pairs})
            half = len(self.body) // 2
            await send({"type": "http.response.body", "body": self.body[:half], "more_body": True})
            if not self.torn:
                await send({"type": "http.response.body", "body": self.body[half:]})

        client = DirectSubgraphClient(app, max_response_bytes=LIMIT)
        yield client
        await client.close()


@pytest.fixture(params=["over_http", "in_process"])
def reach(request):
    return lambda subgraph: getattr(subgraph, request.param)()


async def send(client, body: bytes = b"{}", headers=(), seconds: float = 5.0) -> bytes:
    return await client.send(body, headers, seconds)


async def test_sends_the_body_and_the_headers(reach):
    subgraph = Subgraph()
    async with reach(subgraph) as client:
        answer = await send(client, b'{"query":"{ a }"}', [("Chartgraph-Context", "signed")])
    assert answer == b'{"data":{}}'
    assert subgraph.received == [b'{"query":"{ a }"}']
    assert subgraph.headers["chartgraph-context"] == "signed"
    assert subgraph.headers["content-type"] == JSON
    assert "application/graphql-response+json" in subgraph.headers["accept"]


@pytest.mark.parametrize("type_", ["application/graphql-response+json", f"{JSON}; charset=utf-8"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_a_json_answer_is_an_answer_whatever_its_status(reach, status, type_):
    async with reach(Subgraph(status, type_)) as client:
        assert await send(client) == b'{"data":{}}'


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, SubgraphInvalidResponse),
        (302, SubgraphInvalidResponse),
        (404, SubgraphInvalidResponse),
        (500, SubgraphUnavailable),
        (503, SubgraphUnavailable),
    ],
)
async def test_anything_but_json_is_none(reach, status, error):
    async with reach(Subgraph(status, "text/html", b"<html>Lovelace</html>")) as client:
        with pytest.raises(error) as raised:
            await send(client)
    assert "Lovelace" not in str(raised.value)


async def test_redirects_are_not_followed(reach):
    """They would take the signed context to another server."""
    subgraph = Subgraph(307, "text/plain", b"")
    subgraph.answer_headers = {"location": "/elsewhere"}
    async with reach(subgraph) as client:
        with pytest.raises(SubgraphInvalidResponse):
            await send(client)
    assert len(subgraph.received) == 1


async def test_an_answer_over_the_limit_is_refused(reach):
    async with reach(Subgraph(body=b"x" * (LIMIT + 1))) as client:
        with pytest.raises(SubgraphInvalidResponse, match="larger"):
            await send(client)


async def test_an_answer_at_the_limit_is_taken(reach):
    async with reach(Subgraph(body=b"x" * LIMIT)) as client:
        assert len(await send(client)) == LIMIT


async def test_no_answer_in_time(reach):
    subgraph = Subgraph()
    subgraph.stuck = True
    async with reach(subgraph) as client:
        with pytest.raises(SubgraphUnavailable, match="in time"):
            await send(client, seconds=0.05)


async def test_an_answer_that_breaks_off(reach):
    subgraph = Subgraph()
    subgraph.torn = True
    async with reach(subgraph) as client:
        with pytest.raises(SubgraphUnavailable):
            await send(client)


async def test_a_large_request_arrives_whole(reach):
    subgraph = Subgraph()
    async with reach(subgraph) as client:
        await send(client, b"x" * 3_000_000)
    assert len(subgraph.received[0]) == 3_000_000


async def test_cancelling_is_not_swallowed(reach):
    subgraph = Subgraph()
    subgraph.stuck = True
    async with reach(subgraph) as client:
        task = asyncio.create_task(send(client))
        await subgraph.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_nobody_listens():
    client = HttpSubgraphClient("http://127.0.0.1:1/graphql")
    with pytest.raises(SubgraphUnavailable, match="reached"):
        await send(client)
    await client.close()


async def test_connections_are_kept_alive():
    subgraph = Subgraph()
    async with subgraph.over_http() as client:
        for _ in range(3):
            await send(client)
    assert len(subgraph.peers) == 1


async def test_cookies_are_not_kept():
    subgraph = Subgraph()
    subgraph.answer_headers = {"set-cookie": "patient=1"}
    async with subgraph.over_http() as client:
        await send(client)
        await send(client)
    assert "cookie" not in subgraph.headers


async def test_what_speaks_no_http():
    async def babble(reader, writer):
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    client = HttpSubgraphClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    with pytest.raises((SubgraphInvalidResponse, SubgraphUnavailable)):
        await send(client)
    await client.close()
    server.close()
    await server.wait_closed()


async def test_an_application_that_raises_is_unavailable():
    async def app(scope, receive, send):
        raise ZeroDivisionError("Lovelace")

    with pytest.raises(SubgraphUnavailable) as raised:
        await send(DirectSubgraphClient(app))
    assert "Lovelace" not in str(raised.value)


async def test_offers_the_headers_that_are_wanted(reach):
    subgraph = Subgraph()
    subgraph.answer_headers = {"X-Cost": "3", "X-Other": "4"}
    sink = HeaderSink({b"x-cost", b"x-absent"})
    async with reach(subgraph) as client:
        await client.send(b"{}", (), 5.0, sink=sink)
        await send(client)
    assert sink.headers == [(b"x-cost", b"3")]
