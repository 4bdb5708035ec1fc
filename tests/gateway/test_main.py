"""`python -m gateway`, as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.support.subgraph import SUPERGRAPH


@pytest.fixture
def supergraph(tmp_path):
    path = tmp_path / "supergraph.graphql"
    path.write_text(SUPERGRAPH)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def run(*arguments, **options):
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *map(str, arguments), stdout=PIPE, stderr=PIPE, **options
    )


async def first_answer(url: str, process) -> dict:
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.post(url, json={"query": "{ __typename }"}) as response:
                    return await response.json()
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)
    raise AssertionError((await process.stderr.read()).decode())


async def test_serves_until_it_is_told_to_end(supergraph):
    port = free_port()
    process = await run("--supergraph", supergraph, "--port", port, "--dev")
    try:
        answer = await first_answer(f"http://127.0.0.1:{port}/graphql", process)
        assert answer == {"data": {"__typename": "Query"}}
        process.send_signal(signal.SIGHUP)
        line = json.loads(await process.stderr.readline())
        assert line["event"] == "reloaded"
        assert await first_answer(f"http://127.0.0.1:{port}/graphql", process) == answer
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    assert process.returncode in (0, -signal.SIGTERM)
    assert errors == b""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--dev"], "no supergraph is set", id="no supergraph"),
        pytest.param(["--dev", "--supergraph", "nobody.graphql"], "nobody.graphql", id="no file"),
        pytest.param(
            ["--supergraph", "SUPERGRAPH"], "no issuer of tokens", id="nobody may sign in"
        ),
        pytest.param(["--config", "nobody.yaml"], "nobody.yaml", id="no configuration"),
        pytest.param(["--dev", "--host", "0.0.0.0"], "loopback", id="open to the world"),
        pytest.param(["--dev", "--supergraph", "setup.cfg"], "supergraph", id="no GraphQL"),
    ],
)
async def test_says_why_it_does_not_start(supergraph, tmp_path, arguments, complaint):
    (tmp_path / "setup.cfg").write_text("type Query { a: Int }")
    given = [str(supergraph) if each == "SUPERGRAPH" else each for each in arguments]
    root = str(Path(__file__).parents[2])
    environment = {"PYTHONPATH": root, "PATH": "/usr/bin"}
    process = await run(*given, "--port", free_port(), cwd=tmp_path, env=environment)
    _, errors = await process.communicate()
    assert process.returncode not in (0, None)
    assert complaint in errors.decode()
    assert "Traceback" not in errors.decode()
