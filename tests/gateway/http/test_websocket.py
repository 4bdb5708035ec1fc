"""graphql-transport-ws, frame by frame. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest

FINITE = 'subscription { patientChanged(id: "p-1", times: 3) { name mood } }'
ENDLESS = 'subscription { patientChanged(id: "p-1") { name } }'
QUERY = "{ weather }"
INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}


def subscribe(id_: str = "1", query: str = QUERY, **parameters):
    return {"id": id_, "type": "subscribe", "payload": {"query": query, **parameters}}


@pytest.fixture
async def gateway(start):
    return await start(dev=True, streams={"init_seconds": 0.3})


class Socket:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, message) -> None:
        if isinstance(message, bytes):
            await self.socket.send_bytes(message)
        else:
            await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def read(self):
        """The next message, or the code the socket was closed with."""
        async with asyncio.timeout(10):
            received = await self.socket.receive()
        if received.type is aiohttp.WSMsgType.TEXT:
            return received.json()
        return self.socket.close_code

    async def until_closed(self) -> tuple[list, int]:
        messages = []
        while isinstance(message := await self.read(), dict):
            messages.append(message)
        return messages, message

    async def until(self, type_: str, id_: str = "1") -> list:
        messages = []
        while not messages or (messages[-1]["type"], messages[-1].get("id")) != (type_, id_):
            messages.append(await self.read())
            assert isinstance(messages[-1], dict), messages
        return messages

    async def begin(self, **payload) -> None:
        await self.send(INIT | ({"payload": payload} if payload else {}))
        assert await self.read() == ACK


@asynccontextmanager
async def opened(gateway, protocols=("graphql-transport-ws",), **headers):
    url = gateway.url.replace("http", "ws") + "/graphql"
    async with gateway.http.ws_connect(url, protocols=protocols, headers=headers) as socket:
        yield Socket(socket)


async def until(holds) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("messages", "code"),
    {
        "subscribe before anyone said who it is": ([subscribe()], 4401),
        "twice who it is": ([INIT, INIT], 4429),
        "not JSON": ([INIT, "{nope"], 4400),
        "not UTF-8": ([INIT, b"\xff"], 4400),
        "binary": ([INIT, json.dumps(subscribe()).encode()], 4400),
        "an unknown type": ([INIT, {"type": "bogus"}], 4400),
        "the older protocol's": ([INIT, {"type": "start", "id": "1", "payload": {}}], 4400),
        "a list": ([INIT, "[1]"], 4400),
        "a number": ([INIT, "1"], 4400),
        "null": ([INIT, "null"], 4400),
        "no type": ([INIT, {"id": "1"}], 4400),
        "deep nonsense": (["[" * 50_000], 4400),
        "deep payload": ([INIT, '{"type":"ping","payload":' + '{"a":' * 15_000], 4400),
        "no id": ([INIT, {"type": "subscribe", "payload": {"query": QUERY}}], 4400),
        "an empty id": ([INIT, subscribe("")], 4400),
        "an endless id": ([INIT, subscribe("x" * 257)], 4400),
        "an id that is none": ([INIT, subscribe() | {"id": 7}], 4400),
        "no payload": ([INIT, {"type": "subscribe", "id": "1"}], 4400),
        "a payload that is none": ([INIT, subscribe() | {"payload": "x"}], 4400),
        "a batch": ([INIT, subscribe() | {"payload": [{"query": QUERY}]}], 4400),
        "a query that is none": ([INIT, subscribe(query=7)], 4400),
        "no query": ([INIT, subscribe() | {"payload": {}}], 4400),
        "variables that are none": ([INIT, subscribe(variables="str")], 4400),
        "extensions that are none": ([INIT, subscribe(extensions=[1])], 4400),
        "a greeting that is none": ([{"type": "connection_init", "payload": "token"}], 4400),
        "the same id twice": ([INIT, subscribe("1", ENDLESS), subscribe("1", ENDLESS)], 4409),
        "complete without an id": ([INIT, {"type": "complete"}], 4400),
        "nothing at all": ([], 4408),
        "only signs of life": ([{"type": "ping"}, {"type": "pong"}], 4408),
        "a message that is too long": ([INIT, subscribe(query="#" * 1_100_000)], 1009),
    }.values(),
)
async def test_what_ends_a_socket(gateway, messages, code):
    async with opened(gateway) as socket:
        for message in messages:
            await socket.send(message)
        assert (await socket.until_closed())[1] == code
    await until(lambda: gateway.app.sockets.sockets.taken == 0)
    await until(lambda: gateway.records.listening == 0)


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("nope",)])
async def test_other_protocols_are_refused(gateway, protocols):
    async with opened(gateway, protocols) as socket:
        assert socket.socket.protocol is None
        assert await socket.read() == 4406


@pytest.mark.parametrize("message", [{"type": "pong"}, {"type": "complete", "id": "unknown"}])
async def test_what_is_overheard(gateway, message):
    async with opened(gateway) as socket:
        await socket.begin()
        await socket.send(message)
        await socket.send({"type": "ping", "payload": {"a": 1}})
        assert await socket.read() == {"type": "pong", "payload": {"a": 1}}


async def test_alive_before_it_said_who_it_is(gateway):
    async with opened(gateway) as socket:
        await socket.send({"type": "ping"})
        assert await socket.read() == {"type": "pong"}


async def test_queries_mutations_and_subscriptions(gateway):
    async with opened(gateway) as socket:
        await socket.begin()
        for _ in range(2):
            await socket.send(subscribe())
            assert await socket.until("complete") == [
                {"type": "next", "id": "1", "payload": {"data": {"weather": "fine"}}},
                {"type": "complete", "id": "1"},
            ]
        await socket.send(subscribe(query='mutation { rename(id: "p-1", name: "Ada") { name } }'))
        first, _ = await socket.until("complete")
        assert first["payload"] == {"data": {"rename": {"name": "Ada"}}}
        await socket.send(subscribe("a", FINITE))
        await socket.send(subscribe("b", FINITE))
        messages = [await socket.read() for _ in range(8)]
        for id_ in ("a", "b"):
            *events, last = [each for each in messages if each["id"] == id_]
            assert [each["payload"]["data"]["patientChanged"] for each in events] == [
                {"name": f"Lovelace {number}", "mood": "fair"} for number in range(3)
            ]
            assert last["type"] == "complete"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription { nope }"}, "GRAPHQL_VALIDATION_FAILED"),
        (
            {"query": "query A { weather } query B { weather }", "operationName": "Z"},
            "OPERATION_RESOLUTION_FAILURE",
        ),
        (
            {"query": "subscription S($id: ID!) { patientChanged(id: $id) { id } }"},
            "BAD_USER_INPUT",
        ),
        ({"query": "{" + " ".join(f"a{n}: weather" for n in range(100)) + "}"}, None),
    ],
)
async def test_a_bad_operation_ends_alone(gateway, payload, code):
    async with opened(gateway) as socket:
        await socket.begin()
        await socket.send(subscribe("long", ENDLESS))
        await socket.send({"type": "subscribe", "id": "1", "payload": payload})
        *_, error = await socket.until("error")
        (complaint, *_) = error["payload"]
        assert code is None or complaint["extensions"]["code"] == code
        await socket.until("next", "long")


async def test_who_has_heard_enough_says_so(gateway):
    async with opened(gateway) as socket:
        await socket.begin()
        await socket.send(subscribe(query=ENDLESS))
        await socket.until("next")
        await socket.send({"type": "complete", "id": "1"})
        await until(lambda: gateway.records.listening == 0)
        await socket.send(subscribe("2"))
        *before, _, _ = await socket.until("complete", "2")
        assert all(each["id"] == "1" for each in before)
        assert gateway.app.graphql.streams.taken == 0


async def test_who_hangs_up_leaves_nothing_running(gateway):
    async with opened(gateway) as socket:
        await socket.begin()
        for id_ in "abc":
            await socket.send(subscribe(id_, ENDLESS))
        await until(lambda: gateway.records.listening == 3)
    await until(lambda: gateway.records.listening == 0)
    assert gateway.app.assembly.pipeline.under_way == 0
    assert gateway.app.sockets.sockets.taken == 0


async def test_a_socket_has_so_many_operations_and_no_more(start):
    gateway = await start(dev=True, streams={"operations_per_socket": 2})
    async with opened(gateway) as socket:
        await socket.begin()
        for id_ in "abc":
            await socket.send(subscribe(id_, ENDLESS))
        *_, error = await socket.until("error", "c")
        assert error["payload"][0]["extensions"]["code"] == "OVERLOADED"
        assert gateway.records.listening == 2


async def test_so_many_sockets_and_no_more(start):
    gateway = await start(dev=True, streams={"sockets": 1})
    async with opened(gateway) as socket:
        await socket.begin()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with opened(gateway):
                pass
        assert refused.value.status == 503


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:1", 403),
        ("https://portal.example", None),
        ("own", None),
        (None, None),
    ],
)
async def test_only_our_own_pages_open_sockets(start, origin, status):
    gateway = await start(dev=True, streams={"origins": ["https://portal.example"]})
    headers = {} if origin is None else {"origin": gateway.url if origin == "own" else origin}
    if status is None:
        async with opened(gateway, **headers) as socket:
            await socket.begin()
        return
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with opened(gateway, **headers):
            pass
    assert refused.value.status == status


async def test_a_development_gateway_is_reached_by_loopback_only(gateway):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with opened(gateway, host="rebound.example"):
            pass
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "payload",
    [
        lambda bearer: {"authorization": bearer},
        lambda bearer: {"Authorization": bearer},
        lambda bearer: {"headers": {"authorization": bearer}},
        lambda bearer: {"headers": {"Authorization": bearer}},
    ],
)
async def test_the_token_comes_with_the_greeting(start, issuer, payload):
    gateway = await start()
    async with opened(gateway) as socket:
        await socket.begin(**payload(f"Bearer {issuer.token()}"))
        await socket.send(subscribe(query=FINITE))
        assert len(await socket.until("complete")) == 4
    assert gateway.records.contexts[0].caller.subject == "practitioner-7"


async def test_or_with_the_handshake(start, issuer):
    gateway = await start()
    async with opened(gateway, authorization=f"Bearer {issuer.token()}") as socket:
        await socket.begin()
        await socket.send(subscribe(query=FINITE))
        assert len(await socket.until("complete")) == 4


@pytest.mark.parametrize(
    "payload", [{}, {"authorization": "Bearer x.y.z"}, {"authorization": 7}, {"headers": "x"}]
)
async def test_without_a_token_there_is_no_socket(start, payload):
    gateway = await start()
    async with opened(gateway) as socket:
        await socket.send(INIT | {"payload": payload})
        assert await socket.read() == 4403


async def test_a_token_that_expires_ends_its_socket(start, issuer):
    gateway = await start()
    token = issuer.token(exp=int(time.time()) + 2)
    async with opened(gateway) as socket:
        await socket.begin(authorization=f"Bearer {token}")
        await socket.send(subscribe(query=ENDLESS))
        messages, code = await socket.until_closed()
        assert code == 4403
        assert messages[0]["type"] == "next"
    await until(lambda: gateway.records.listening == 0)


async def test_a_socket_that_idles_is_closed(start):
    gateway = await start(dev=True, streams={"idle_seconds": 0.1})
    async with opened(gateway) as socket:
        await socket.begin()
        await socket.send(
            subscribe("1", 'subscription { patientChanged(id: "p-1", times: 3) { name } }')
        )
        messages, code = await socket.until_closed()
        assert (messages[-1]["type"], code) == ("complete", 1000)


async def test_a_new_schema_ends_operations_and_not_the_socket(gateway):
    async with opened(gateway) as socket:
        await socket.begin()
        await socket.send(subscribe(query=ENDLESS))
        await socket.until("next")
        await gateway.app.reload()
        *_, error = await socket.until("error")
        assert error["payload"][0]["extensions"]["code"] == "SCHEMA_CHANGED"
        await socket.send(subscribe())
        await socket.until("complete")


async def test_who_does_not_read_is_dropped(start):
    gateway = await start(dev=True, streams={"stalled_seconds": 0.2})
    query = 'subscription { patientChanged(id: "%s") { %s } }'
    fields = " ".join(f"a{n}: id" for n in range(30))
    async with opened(gateway) as socket:
        await socket.begin()
        socket.socket._conn.transport.pause_reading()
        await socket.send(subscribe(query=query % ("p" * 9_000, fields)))
        await until(lambda: gateway.records.listening == 1)
        await until(lambda: gateway.records.listening == 0)
        await until(lambda: gateway.app.sockets.sockets.taken == 0)
