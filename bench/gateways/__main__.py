"""Our gateway beside others, on one core, over the same subgraphs: into docs/gateways.md.

npm ci --prefix bench/gateways
python -m bench.gateways [--rounds 3] [--seconds 5] [--connections 50]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop

from bench.gateways.load import ask, drive
from bench.gateways.peers import Peer, Process, peers
from bench.gateways.scenario import OPERATIONS, expected, supergraph
from bench.measuring import table

PAGE: Final = Path(__file__).parents[2] / "docs" / "gateways.md"
BASE: Final = "Apollo Gateway"
START_SECONDS: Final = 60
WARM_SECONDS: Final = 3.0

INTRODUCTION: Final = """\
# Gateways side by side

Written by `python -m bench.gateways` on {date}: {rounds} rounds of {seconds:g} s for each row,
interleaved, {connections} connections, requests of 1,000 users whose `Authorization` is forwarded,
so that nothing is shared between them. Each gateway ran on one core of {machine},
the subgraphs and the load on another. Before each round its answer was compared with
graphql-core's over the same data; a failure is no answer, or one that is not the same to the
letter as its first.

Trust the CPU time first: other work on the machine lengthens the wait, not the work. The load comes
from Python, so that the fastest rows' requests a second are bounded by it.

Not measured here: token verification and the audit trail (all of them run without), TLS, HTTP/2,
subgraphs that take their time, more than one core, memory over hours; Apollo Router, Hive Router
and Cosmo, which are in neither npm nor PyPI. Grafbase's is the server of its command line.
"""


@dataclass(frozen=True, slots=True)
class Round:
    requests: float
    """Answered in a second."""
    p50: float
    p99: float
    cpu: float
    """Milliseconds for one request."""
    failed: int
    memory: float


Rounds = dict[tuple[str, str], list[Round]]
"""By operation and title."""


def main() -> None:
    given = _parser().parse_args()
    # The load shares the second core with the subgraphs.
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        measured, missing = uvloop.run(_measure(given, Path(folder), running))
    settings = {**vars(given), "date": datetime.now(UTC).date(), "machine": _machine()}
    parts = [INTRODUCTION.format(**settings)]
    parts += [f"## {name}\n\n{_table(name, measured)}" for name in OPERATIONS]
    parts += [f"Not installed, and so not measured: {', '.join(missing)}.\n"] if missing else []
    PAGE.write_text("\n".join(parts))


async def _measure(
    given: argparse.Namespace, folder: Path, running: ExitStack
) -> tuple[Rounds, list[str]]:
    (folder / "supergraph.graphql").write_text(supergraph())
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
    rounds: Rounds = {}
    for name, number, peer in _order(list(started), given.rounds):
        one = await _round(peer, started[peer], name, given, warm=number == 0)
        rounds.setdefault((name, peer.title), []).append(one)
        sys.stderr.write(f"{name} {peer.title}: {one}\n")
    return rounds, [peer.title for peer in everyone if not peer.installed]


def _order(started: list[Peer], rounds: int) -> Iterator[tuple[str, int, Peer]]:
    """There and back again, so that what changes on the machine hits all alike."""
    for name in OPERATIONS:
        for number in range(rounds):
            for peer in started if number % 2 == 0 else reversed(started):
                yield name, number, peer


async def _wait_for(peer: Peer, process: Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    while await ask(_url(peer), "{ __typename }") is None:
        if not process.alive or time.monotonic() > deadline:
            raise SystemExit(f"{peer.title} does not start:\n{process.said()}")
        await asyncio.sleep(0.2)


async def _round(
    peer: Peer, process: Process, name: str, given: argparse.Namespace, *, warm: bool
) -> Round:
    url, query = _url(peer), OPERATIONS[name]
    if await ask(url, query) != expected(name):
        raise SystemExit(f"{peer.title} answers {name} wrongly")
    if warm:
        await drive(url, query, connections=given.connections, seconds=WARM_SECONDS)
    before = process.cpu_seconds()
    load = await drive(url, query, connections=given.connections, seconds=given.seconds)
    return Round(
        requests=load.answered / load.elapsed,
        p50=load.percentile(50),
        p99=load.percentile(99),
        cpu=(process.cpu_seconds() - before) / max(load.answered, 1) * 1000,
        failed=load.failed,
        memory=process.resident_megabytes(),
    )


def _table(operation: str, measured: Mapping[tuple[str, str], list[Round]]) -> str:
    rounds = {title: found for (name, title), found in measured.items() if name == operation}
    cpu = {title: statistics.median(one.cpu for one in found) for title, found in rounds.items()}
    base = cpu.get(BASE)
    heads = ("gateway", "CPU ms a request", f"x {BASE}", "requests/s", "p50 ms", "p99 ms")
    rows = [
        (
            title,
            f"{cpu[title]:.3f}",
            f"{base / cpu[title]:.1f}" if base else "-",
            f"{statistics.median(one.requests for one in rounds[title]):.0f}",
            f"{statistics.median(one.p50 for one in rounds[title]):.1f}",
            f"{statistics.median(one.p99 for one in rounds[title]):.1f}",
            f"{max(one.memory for one in rounds[title]):.0f}",
            str(sum(one.failed for one in rounds[title])),
        )
        for title in sorted(cpu, key=cpu.__getitem__)
    ]
    return table((*heads, "memory MB", "failures"), rows)


def _url(peer: Peer) -> str:
    return f"http://127.0.0.1:{peer.port}{peer.path}"


def _machine() -> str:
    names = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()} (CPython {platform.python_version()})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.gateways", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=50)
    return parser


if __name__ == "__main__":
    main()
