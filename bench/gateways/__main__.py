"""Our gateway beside others, on one core, over the same subgraphs: into docs/gateways.md.

npm ci --prefix bench/gateways
python -m bench.gateways [--rounds 3] [--seconds 4] [--connections 50 200] [--minutes 10]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import uvloop

from bench.gateways.load import ask, drive
from bench.gateways.page import Measured, Round, Sample, write_page
from bench.gateways.peers import Peer, Process, peers
from bench.gateways.scenario import OPERATIONS, expected, supergraph
from bench.gateways.signing import authorizations

START_SECONDS: Final = 60
WARM_SECONDS: Final = 2.0
SAMPLE_SECONDS: Final = 5.0
LASTING: Final = "medium"
"""The operation that memory is watched with."""
_USERS: Final = {signed: authorizations(signed=signed) for signed in (False, True)}


def main() -> None:
    given = _parser().parse_args()
    # The load shares the second core with the subgraphs.
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        measured = uvloop.run(_measure(given, Path(folder), running))
    write_page(measured, given)


async def _measure(given: argparse.Namespace, folder: Path, running: ExitStack) -> Measured:
    (folder / "supergraph.graphql").write_text(supergraph())
    (folder / "protected.graphql").write_text(supergraph(protected=True))
    (folder / "home").mkdir()
    upstream = (sys.executable, "-m", "bench.gateways.upstream")
    running.callback(Process(upstream, core=1, log=folder / "upstream.log").stop)
    everyone = peers(folder)
    started: dict[Peer, Process] = {}
    for peer in everyone:
        if peer.installed:
            log = folder / f"{peer.port}.log"
            started[peer] = process = Process(peer.command, core=0, log=log, port=peer.port)
            running.callback(process.stop)
            await _wait_for(peer, process)
    measured = Measured(missing=[peer.title for peer in everyone if not peer.installed])
    for name, connections, peer in _order(list(started), given.connections, given.rounds):
        process = started[peer]
        process.go_on()
        one = await _round(peer, process, name, connections, given.seconds)
        process.pause()
        measured.rounds.setdefault((name, connections, peer.title), []).append(one)
        sys.stderr.write(f"{name} {connections} {peer.title}: {one}\n")
    for process in started.values():
        process.stop()
    measured.samples = await _watch(everyone[0], folder, given.minutes)
    return measured


def _order(
    started: list[Peer], connections: list[int], rounds: int
) -> Iterator[tuple[str, int, Peer]]:
    """There and back again, so that what changes on the machine hits all alike."""
    for name in OPERATIONS:
        for at_once in connections:
            for number in range(rounds):
                for peer in started if number % 2 == 0 else reversed(started):
                    yield name, at_once, peer


async def _wait_for(peer: Peer, process: Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    user = _USERS[peer.signed][0]
    while "data" not in (await ask(_url(peer), "{ __typename }", user) or ()):
        if not process.alive or time.monotonic() > deadline:
            raise SystemExit(f"{peer.title} does not start:\n{process.said()}")
        await asyncio.sleep(0.2)
    # Only the one that is measured runs.
    process.pause()


async def _round(
    peer: Peer, process: Process, name: str, connections: int, seconds: float
) -> Round:
    url, query, users = _url(peer), OPERATIONS[name], _USERS[peer.signed]
    if await ask(url, query, users[0]) != expected(name):
        raise SystemExit(f"{peer.title} answers {name} wrongly")
    # While others ran, what was remembered of the users' tokens may have run out.
    least = len(users) if peer.signed else 0
    await drive(url, query, connections=connections, seconds=WARM_SECONDS, users=users, least=least)
    before = process.cpu_seconds()
    load = await drive(url, query, connections=connections, seconds=seconds, users=users)
    return Round(
        requests=load.answered / load.elapsed,
        p50=load.percentile(50),
        p99=load.percentile(99),
        cpu=(process.cpu_seconds() - before) / max(load.answered, 1) * 1000,
        failed=load.failed,
        memory=process.resident_megabytes(),
    )


async def _watch(peer: Peer, folder: Path, minutes: float) -> list[Sample]:
    """The memory of one that is started anew, under load."""
    process = Process(peer.command, core=0, log=folder / "watched.log", port=peer.port)
    try:
        await _wait_for(peer, process)
        process.go_on()
        return await _samples(peer, process, minutes)
    finally:
        process.stop()


async def _samples(peer: Peer, process: Process, minutes: float) -> list[Sample]:
    samples = []
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < minutes * 60:
        samples.append(Sample(passed / 60, process.resident_megabytes()))
        await drive(
            _url(peer),
            OPERATIONS[LASTING],
            connections=50,
            seconds=SAMPLE_SECONDS,
            users=_USERS[peer.signed],
        )
    return samples


def _url(peer: Peer) -> str:
    return f"http://127.0.0.1:{peer.port}{peer.path}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.gateways", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--minutes", type=float, default=10.0, help="to watch memory for")
    return parser


if __name__ == "__main__":
    main()
