"""`python -m gateway`, as a process."""

from __future__ import annotations

import asyncio
import json
import os
import re
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


async def worker_of(url: str) -> str:
    """Over a connection of its own, which the kernel gives to one of the workers."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        text = await response.text()
    [number] = set(re.findall(r'chartgraph_requests_in_flight\{worker="(\d)"\}', text))
    return number


async def all_workers(url: str) -> set[str]:
    found = set()
    while len(found) < 2:
        found.add(await worker_of(url))
    return found


def is_running(process_id: int) -> bool:
    return Path(f"/proc/{process_id}").exists()


def children_of(process) -> set[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return {int(each) for each in listed.split()}


async def test_workers_share_a_port_and_nothing_else(supergraph):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = ("--supergraph", supergraph, "--port", port, "--dev", "--workers", 2)
    process = await run(*arguments)
    try:
        answer = await first_answer(f"{url}/graphql", process)
        assert answer == {"data": {"__typename": "Query"}}
        assert await all_workers(url) == {"0", "1"}
        process.send_signal(signal.SIGHUP)
        lines = [json.loads(await process.stderr.readline()) for _ in range(2)]
        assert [line["event"] for line in lines] == ["reloaded", "reloaded"]

        before = children_of(process)
        os.kill(min(before), signal.SIGKILL)
        line = json.loads(await process.stderr.readline())
        assert (line["event"], line["process"]) == ("worker_died", min(before))
        # The other one serves meanwhile, and the lost one comes back.
        assert await first_answer(f"{url}/graphql", process) == answer
        while len(children_of(process)) < 2:  # noqa: ASYNC110 - the kernel raises no event
            await asyncio.sleep(0.05)
        assert max(before) in children_of(process)
        assert await all_workers(url) == {"0", "1"}

        second = await run(*arguments)
        assert await second.wait() == 3
        assert f"port {port}" in (await second.stderr.read()).decode()
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_workers_end_with_whoever_started_them(supergraph):
    port = free_port()
    process = await run("--supergraph", supergraph, "--port", port, "--dev", "--workers", 2)
    await first_answer(f"http://127.0.0.1:{port}/graphql", process)
    children = children_of(process)
    process.kill()
    await process.wait()
    while any(map(is_running, children)):  # noqa: ASYNC110 - likewise
        await asyncio.sleep(0.02)


async def test_workers_that_cannot_start_are_not_started_again(tmp_path):
    broken = tmp_path / "supergraph.graphql"
    broken.write_text("type Query { a: Int }")
    process = await run("--supergraph", broken, "--port", free_port(), "--dev", "--workers", 2)
    assert await process.wait() == 3
