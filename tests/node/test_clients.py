"""GraphQL over HTTP to the letter, and Apollo Client's automatic persisted queries."""

from __future__ import annotations

import asyncio

import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH, ScriptedSubgraph
from tests.node.outside_gateways import run

pytestmark = pytest.mark.node

AUDITS = 61


@pytest.fixture
async def judged(tmp_path):
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    settings = Settings(supergraph=tmp_path / "supergraph.graphql", home=tmp_path, dev=True)
    clients = {name: ScriptedSubgraph(name) for name in ("records", "weather")}
    async with served(create_app(settings, clients)) as url:
        given = {"url": f"{url}/graphql", "query": "query Weather { weather }"}
        yield await asyncio.to_thread(run, "clients.mjs", given)


async def test_clients_nobody_here_wrote_are_content(judged):
    failed = [each for each in judged["audit"] if each["status"] != "ok"]
    assert (failed, len(judged["audit"])) == ([], AUDITS)
    data = {"weather": "fine"}
    # The document is sent once, and from then on its hash does, by POST or GET.
    assert judged["unknown"] == {"data": data, "carried": [False, True]}
    assert judged["known"] == {"data": data, "carried": [False]}
    assert judged["knownByGet"] == {"data": data, "carried": [False]}
