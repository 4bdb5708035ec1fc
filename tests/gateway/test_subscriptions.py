"""Subscriptions from end to end: servers nobody here wrote, withdrawn tokens, and the end of it."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest
from joserfc.jwk import ECKey

from gateway.app import create_app
from gateway.settings import Settings
from gateway.trust import Introspection
from tests.gateway.foreign import foreign_subgraph, listening
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH, ScriptedSubgraph
from tests.gateway.test_main import first_answer, free_port, run

FINITE = 'subscription { patientChanged(id: "p-1", times: 3) { name mood } }'
ENDLESS = 'subscription { patientChanged(id: "p-1") { name } }'
EVENTS = {"accept": "text/event-stream"}


def payloads(body: bytes) -> list[dict]:
    lines = body.decode().split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


async def first_event(reply) -> None:
    async with asyncio.timeout(10):
        while not (await reply.content.readline()).startswith(b"data: "):
            pass


def codes(payload: dict) -> list[str]:
    return [error["extensions"]["code"] for error in payload["errors"]]


@pytest.fixture(params=["http", "ws"])
async def foreign(request, tmp_path, http):
    """A gateway in front of a foreign subgraph, reached one way or the other."""
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    async with foreign_subgraph() as (address, server):
        settings = Settings(
            supergraph=tmp_path / "supergraph.graphql",
            home=tmp_path,
            dev=True,
            subgraph_urls={"records": f"http://{address}"},
            subscription_urls={"records": f"ws://{address}"} if request.param == "ws" else {},
        )
        app = create_app(settings, {"weather": ScriptedSubgraph("weather")})
        async with served(app) as url:
            yield url, app, server


async def test_a_foreign_subgraph_is_listened_to(foreign, http):
    url, app, _ = foreign
    async with http.post(f"{url}/graphql", json={"query": FINITE}, headers=EVENTS) as reply:
        events = payloads(await reply.read())
    assert [event["data"]["patientChanged"] for event in events] == [
        {"name": f"Lovelace {number}", "mood": "fair"} for number in range(3)
    ]
    assert app.assembly.pipeline.under_way == 0


async def test_who_hangs_up_ends_it_at_the_foreign_subgraph(foreign, http):
    url, _, _ = foreign
    async with http.post(f"{url}/graphql", json={"query": ENDLESS}, headers=EVENTS) as reply:
        await first_event(reply)
        assert len(listening) == 1
    async with asyncio.timeout(10):
        while listening:  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0.01)


async def test_a_foreign_subgraph_that_dies_ends_the_stream(foreign, http):
    url, app, server = foreign
    async with http.post(f"{url}/graphql", json={"query": ENDLESS}, headers=EVENTS) as reply:
        await first_event(reply)
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        last = payloads(await reply.read())[-1]
    assert last["data"] == {"patientChanged": None}
    assert codes(last) == ["SUBGRAPH_UNAVAILABLE"]
    assert app.assembly.pipeline.under_way == 0


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_foreign_subgraph_that_is_not_there(scheme, tmp_path, http):
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    address = f"{scheme}://127.0.0.1:{free_port()}/"
    settings = Settings(
        supergraph=tmp_path / "supergraph.graphql",
        home=tmp_path,
        dev=True,
        subscription_urls={"records": address},
    )
    async with (
        served(create_app(settings, {"weather": ScriptedSubgraph("weather")})) as url,
        http.post(f"{url}/graphql", json={"query": ENDLESS}, headers=EVENTS) as reply,
    ):
        (only,) = payloads(await reply.read())
    assert codes(only) == ["SUBGRAPH_UNAVAILABLE"]


async def test_a_withdrawn_token_ends_what_it_began(start, issuer, tmp_path):
    key = ECKey.generate_key("P-384", {"kid": "ours", "alg": "ES384", "use": "sig"})
    (tmp_path / "key.jwk").write_text(json.dumps(key.as_dict(private=True)))
    asked = Introspection(
        client_id="chartgraph",
        key_file=tmp_path / "key.jwk",
        signed_tokens=True,
        opaque_tokens=False,
    )
    gateway = await start(issuers=(issuer.settings(introspection=asked),), token_cache_seconds=0)
    token = issuer.token()
    headers = EVENTS | {"authorization": f"Bearer {token}"}
    address = f"{gateway.url}/graphql"
    async with gateway.http.post(address, json={"query": ENDLESS}, headers=headers) as reply:
        await first_event(reply)
        issuer.revoked.add(token)
        last = payloads(await reply.read())[-1]
    assert codes(last) == ["TOKEN_INVALID"]
    assert gateway.records.listening == 0


async def test_what_may_be_seen_is_decided_anew_for_each_event(start, issuer, monkeypatch):
    gateway = await start()
    headers = EVENTS | {"authorization": f"Bearer {issuer.token()}"}
    address = f"{gateway.url}/graphql"
    async with gateway.http.post(address, json={"query": ENDLESS}, headers=headers) as reply:
        await first_event(reply)
        preparation = gateway.app.assembly.pipeline.preparation
        grants_of = preparation._grants_of
        # As if a registry had taken a scope from the client since.
        bounded = preparation._clients.bounded
        monkeypatch.setattr(
            preparation._clients,
            "bounded",
            lambda caller: bounded(type(caller)(caller.subject, caller.client_id)),
        )
        assert grants_of is preparation._grants_of
        last = payloads(await reply.read())[-1]
    assert codes(last) == ["ACCESS_CHANGED"]
    assert gateway.records.listening == 0


async def test_told_to_end_it_tells_who_listens(tmp_path, http):
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    async with foreign_subgraph() as (address, _):
        (tmp_path / "gateway.yaml").write_text(f"subgraph_urls: {{records: 'http://{address}'}}")
        port = free_port()
        process = await run(
            *("--supergraph", tmp_path / "supergraph.graphql", "--port", port, "--dev"),
            *("--config", tmp_path / "gateway.yaml"),
        )
        url = f"http://127.0.0.1:{port}/graphql"
        try:
            await first_answer(url, process)
            socket = await http.ws_connect(url, protocols=("graphql-transport-ws",))
            await socket.send_json({"type": "connection_init"})
            assert await socket.receive_json() == {"type": "connection_ack"}
            async with http.post(url, json={"query": ENDLESS}, headers=EVENTS) as reply:
                await first_event(reply)
                process.send_signal(signal.SIGTERM)
                body = await reply.read()
            async with asyncio.timeout(10):
                closed = await socket.receive()
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
    assert codes(payloads(body)[-1]) == ["SHUTTING_DOWN"]
    assert body.endswith(b"event: complete\ndata: \n\n")
    assert closed.data == 1012
