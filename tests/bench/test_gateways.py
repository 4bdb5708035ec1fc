"""That gateways are asked for the same, and told right from wrong; speed is no test's business."""

from __future__ import annotations

import asyncio
import json
import re
from xml.etree import ElementTree as ET

import pytest

from bench.gateways import scenario, signing
from bench.gateways.__main__ import _order
from bench.gateways.load import ask, drive
from bench.gateways.page import Measured, Round, Sample, memory, rows_of, rows_table
from bench.gateways.peers import peers
from bench.gateways.plot import bars
from bench.gateways.upstream import Upstream
from gateway.app import create_app
from gateway.settings import Issuer, Settings
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
    everyone = peers(tmp_path)
    assert all(each.installed for each in everyone if each.title.startswith("Chartgraph"))
    assert sum(each.needs is None for each in everyone) == 3
    assert len({each.port for each in everyone}) == len({each.title for each in everyone}) == 6


def test_the_order_goes_there_and_back(tmp_path):
    everyone = peers(tmp_path)
    order = _order(everyone, [5, 7], 2)
    small = [peer for name, at_once, peer in order if (name, at_once) == ("small", 7)]
    assert small == [*everyone, *reversed(everyone)]


def test_a_row_is_the_median_and_counts_every_failure():
    def one(cpu: float, failed: int = 0) -> Round:
        return Round(requests=10, p50=1, p99=2, cpu=cpu, failed=failed, memory=50)

    measured = Measured(missing=[])
    measured.rounds = {
        ("small", 50, "Apollo Gateway"): [one(3)],
        ("small", 50, "Chartgraph"): [one(9, failed=1), one(1), one(1.5)],
        ("small", 200, "Chartgraph"): [one(50)],
        ("heavy", 50, "Chartgraph"): [one(100)],
    }
    _, _, first, second = rows_table(rows_of(measured, "small", 50)).splitlines()
    assert first == "| Chartgraph | 1.500 | 2.0 | 10 | 1.0 | 2.0 | 50 | 1 |"
    assert second.startswith("| Apollo Gateway | 3.000 | 1.0 |")


def test_memory_is_told_with_the_slope_of_its_second_half():
    samples = [Sample(minute, 60 + min(minute, 5) * 2) for minute in range(11)]
    assert "60 MB at the start, 70 MB at the end" in memory(samples)
    assert "+0.00 MB a minute" in memory(samples)
    rising = [Sample(minute, 60 + minute) for minute in range(11)]
    assert "+1.00 MB a minute" in memory(rising)


def test_bars_are_to_one_scale():
    drawn = bars("title", {"small": {"a": 4.0, "<b>": 1.0}, "heavy": {"a": 2.0}}, ["a"])
    widths = [int(each) for each in re.findall(r'width="(\d+)" height="16"', drawn)]
    assert widths == [460, 115, 230]
    assert "&lt;b&gt;" in drawn
    ET.fromstring(drawn)


async def test_users_are_signed_in(tmp_path, unused_tcp_port, monkeypatch):
    loop = asyncio.get_running_loop()
    upstream = await loop.create_server(Upstream, "127.0.0.1", unused_tcp_port)
    path = tmp_path / "supergraph.graphql"
    monkeypatch.setattr(scenario, "PORT", unused_tcp_port)
    path.write_text(scenario.supergraph(protected=True))
    issuer = Issuer(
        issuer=signing.ISSUER,
        audience=frozenset({signing.AUDIENCE}),
        jwks_uri=f"http://127.0.0.1:{unused_tcp_port}/{signing.KEYS_PATH}",
    )
    settings = Settings(supergraph=path, issuers=(issuer,), audit=False, home=tmp_path)
    query = scenario.OPERATIONS["small"]
    signed, unsigned = (signing.authorizations(signed=each)[7] for each in (True, False))
    async with served(create_app(settings)) as url:
        while "data" not in (answer := await ask(f"{url}/graphql", query, signed)):
            # The issuer's keys are fetched while the gateway serves already.
            assert answer["errors"][0]["extensions"]["code"] == "ISSUER_UNAVAILABLE"
        assert answer == scenario.expected("small")
        assert "data" not in await ask(f"{url}/graphql", query, unsigned)
    upstream.close()
    await upstream.wait_closed()
