"""A client that hangs up while its operation runs."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.app import create_app
from gateway.ledger import Ledger
from gateway.settings import Settings
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH


class Slow:
    """A subgraph that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended = asyncio.get_running_loop().create_future()

    async def send(self, _body, _headers, _timeout, **_options):
        self.asked.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.ended.set_result("given up")
            raise
        self.ended.set_result("answered")
        return b'{"data":{"weather":"rain","rename":null}}'

    async def close(self):
        pass


@pytest.fixture
async def slow():
    return Slow()


@pytest.fixture
async def audited(monkeypatch):
    """The codes that each audit record would hold."""
    records = asyncio.Queue()

    async def audit(_ledger, _prepared, _exchange, codes):
        await records.put(set(codes))

    monkeypatch.setattr(Ledger, "audit", audit)
    return records


@pytest.fixture
async def ask(tmp_path, slow, audited):
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(SUPERGRAPH)
    settings = Settings(supergraph=supergraph, dev=True, home=tmp_path)
    app = create_app(settings, {"records": slow, "weather": slow})
    async with served(app) as url:
        host, port = url.removeprefix("http://").split(":")

        writers = []

        async def send(query):
            _, writer = await asyncio.open_connection(host, int(port))
            body = json.dumps({"query": query}).encode()
            head = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            writers.append(writer)
            return writer

        yield send
        for writer in writers:
            writer.close()
            await writer.wait_closed()


async def test_ends_the_fetches_of_a_query_which_is_audited_all_the_same(ask, slow, audited):
    writer = await ask("{ weather }")
    await slow.asked.wait()
    writer.close()
    assert await slow.ended == "given up"
    assert await audited.get() == set()


async def test_does_not_end_those_of_a_mutation(ask, slow, audited):
    writer = await ask('mutation { rename(id: "1", name: "x") { id } }')
    await slow.asked.wait()
    writer.close()
    await writer.wait_closed()
    # Whoever comes after it is answered: by then the server knows.
    await ask("{ __typename }")
    assert await audited.get() == set()
    slow.go_on.set()
    assert await slow.ended == "answered"
    assert await audited.get() == set()
