"""That gateways are asked for the same, and told right from wrong; speed is no test's business."""

from __future__ import annotations

import asyncio
import json

import pytest

from bench.gateways import scenario
from bench.gateways.__main__ import Round, _order, _table
from bench.gateways.load import ask, drive
from bench.gateways.peers import peers
from bench.gateways.upstream import Upstream
from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.support.server import served


@pytest.fixture
async def address(tmp_path, unused_tcp_port, monkeypatch):
    """Of our gateway, before the scenario's subgraphs."""
    monkeypatch.setattr(scenario, "PORT", unused_tcp_port)
    loop = asyncio.get_running_loop()
    upstream = await loop.create_server(Upstream, "127.0.0.1", unused_tcp_port)
    path = tmp_path / "supergraph.graphql"
    path.write_text(scenario.supergraph())
    async with served(create_app(Settings(supergraph=path, dev=True, home=tmp_path))) as url:
        yield f"{url}/graphql"
    upstream.close()
    await upstream.wait_closed()


@pytest.mark.parametrize("name", scenario.OPERATIONS)
async def test_ours_answers_as_one_server_would(address, name):
    expected = scenario.expected(name)
    assert expected["data"]
    assert await ask(address, scenario.OPERATIONS[name]) == expected


async def test_every_answer_is_counted(address):
    load = await drive(address, scenario.OPERATIONS["small"], connections=3, seconds=0.1)
    assert load.answered == len(load.seconds) >= 3
    assert load.failed == 0
    assert load.percentile(50) <= load.percentile(99)


async def test_an_answer_that_changes_is_a_failure():
    count = 0

    class Fickle(Upstream):
        def on_message_complete(self) -> None:
            nonlocal count
            count += 1
            body = json.dumps({"data": count}).encode()
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
            self._transport.write(head + b"%d\r\n\r\n%b" % (len(body), body))

    server = await asyncio.get_running_loop().create_server(Fickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    load = await drive(url, "{ a }", connections=1, seconds=0.05)
    assert load.failed == load.answered > 0
    server.close()
    await server.wait_closed()


def test_who_is_not_installed_is_known(tmp_path):
    ours, *others = peers(tmp_path)
    assert ours.installed
    assert all(each.needs is not None for each in others)
    assert len({each.port for each in (ours, *others)}) == 1 + len(others)


def test_the_order_goes_there_and_back(tmp_path):
    everyone = peers(tmp_path)
    small = [peer for name, _, peer in _order(everyone, 2) if name == "small"]
    assert small == [*everyone, *reversed(everyone)]


def test_a_row_is_the_median_and_counts_every_failure():
    def one(cpu: float, failed: int = 0) -> Round:
        return Round(requests=10, p50=1, p99=2, cpu=cpu, failed=failed, memory=50)

    measured = {
        ("small", "Apollo Gateway"): [one(3)],
        ("small", "Chartgraph"): [one(9, failed=1), one(1), one(1.5)],
        ("heavy", "Chartgraph"): [one(100)],
    }
    _, _, first, second = _table("small", measured).splitlines()
    assert first == "| Chartgraph | 1.500 | 2.0 | 10 | 1.0 | 2.0 | 50 | 1 |"
    assert second.startswith("| Apollo Gateway | 3.000 | 1.0 |")
