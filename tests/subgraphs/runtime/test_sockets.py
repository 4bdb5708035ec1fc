"""What a subgraph's socket lets in, frame by frame."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import ClientSession

from subgraphs.runtime import sockets
from tests.subgraphs.serving import served

INIT = {"type": "connection_init"}
QUERY = {"id": "1", "type": "subscribe", "payload": {"query": "{ echo }"}}


async def exchange(app, *messages, protocols=("graphql-transport-ws",)):
    """What is said in return, and the code the socket is closed with."""
    async with (
        served(app) as address,
        ClientSession() as http,
        http.ws_connect(f"ws://{address}", protocols=protocols) as socket,
    ):
        for message in messages:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        async with asyncio.timeout(10):
            said = [received.json() async for received in socket]
        return said, socket.close_code


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([QUERY], 4401),
        ([{"type": "ping"}, QUERY], 4401),
        ([INIT, INIT], 4429),
        ([INIT, "{nope"], 4400),
        ([INIT, "[1]"], 4400),
        ([INIT, {"type": "subscribe", "id": "1"}], 4400),
        ([INIT, {"type": "start", "id": "1", "payload": {}}], 4400),
        ([], 4408),
    ],
)
async def test_what_ends_a_socket(make_notes, monkeypatch, messages, code):
    monkeypatch.setattr(sockets, "INIT_SECONDS", 0.3)
    notes = make_notes(dev=True)
    assert (await exchange(notes.app, *messages))[1] == code


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",)])
async def test_other_protocols_are_refused(make_notes, protocols):
    assert await exchange(make_notes(dev=True).app, protocols=protocols) == ([], 4406)


async def test_only_subscriptions_are_answered(make_notes):
    said, code = await exchange(make_notes(dev=True).app, INIT, QUERY)
    assert said[0] == {"type": "connection_ack"}
    assert (said[1]["type"], said[1]["id"]) == ("error", "1")
    assert said[1]["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert code == 1000


@pytest.mark.parametrize("payload", [None, {}, {"chartgraph-context": "x.y"}, {"other": 7}])
async def test_without_a_context_nothing_is_answered(notes, payload):
    said, _ = await exchange(notes.app, INIT | {"payload": payload}, QUERY)
    assert said[1]["payload"][0]["extensions"]["code"] == "CONTEXT_REFUSED"
