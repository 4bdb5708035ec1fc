"""Parts are closed when nobody uses them any more, and not before."""

from __future__ import annotations

import asyncio

import pytest

from gateway.app import create_app
from gateway.asked import Asked
from gateway.documents.request import GraphQLRequest
from gateway.settings import Settings, SettingsError
from tests.gateway.support.subgraph import SUPERGRAPH, ScriptedSubgraph


class Client(ScriptedSubgraph):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.closed = asyncio.Event()

    async def close(self) -> None:
        self.closed.set()


@pytest.fixture
def made(monkeypatch):
    """Every client that a gateway makes for itself, by its address."""
    clients: dict[str, list[Client]] = {}

    def make(url: str, **_) -> Client:
        name = url.rpartition("/")[2]
        client = Client(name)
        clients.setdefault(name, []).append(client)
        return client

    monkeypatch.setattr("gateway.serving.HttpSubgraphClient", make)
    return clients


async def test_a_schema_that_is_replaced_serves_its_requests_to_their_end(tmp_path, made):
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH)
    app = create_app(Settings(supergraph=path, home=tmp_path, dev=True, subgraph_timeout=0.0))
    await app.start()
    [weather] = made["weather"]
    weather.gate = asyncio.Event()
    asked = Asked(GraphQLRequest("{ weather }"))
    under_way = asyncio.create_task(app.assembly.pipeline.answer(asked, "request-1"))
    await weather.arrived.wait()

    await app.reload()
    await asyncio.sleep(0.05)
    assert not weather.closed.is_set()
    weather.gate.set()
    assert await under_way == b'{"data":{"weather":"fine"}}'
    await asyncio.wait_for(weather.closed.wait(), 5)
    assert not made["weather"][1].closed.is_set()
    await app.stop()
    assert made["weather"][1].closed.is_set()


async def test_a_trail_that_cannot_be_opened_is_told_in_words(tmp_path):
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH)
    (tmp_path / "home").write_text("no folder")
    settings = Settings(
        supergraph=path,
        home=tmp_path / "home",
        master_key="bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=",
        dev=True,
        audit=True,
    )
    with pytest.raises(SettingsError, match="audit trail"):
        await create_app(settings).start()
