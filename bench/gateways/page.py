"""What was measured, as docs/gateways.md and the plot in it."""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.gateways.peers import OURS
from bench.gateways.plot import bars
from bench.gateways.scenario import OPERATIONS
from bench.measuring import table

PAGE: Final = Path(__file__).parents[2] / "docs" / "gateways.md"
PLOT: Final = PAGE.with_suffix(".svg")
BASE: Final = "Apollo Gateway"

INTRODUCTION: Final = """\
# Gateways side by side

Written by `python -m bench.gateways` on {date}: {rounds} rounds of {seconds:g} s for each row,
interleaved, requests of 1,000 users whose `Authorization` is forwarded, so that nothing is shared
between them. Each gateway ran alone on one core of {machine}, the subgraphs and the load
on another. Before each round its answer was compared with graphql-core's over the same data; a
failure is no answer, or one that is not the same to the letter as its first.

`Chartgraph` is the gateway as it runs in production: each user's token verified, `@requiresScopes`
on fields of every operation, limits, costs and metrics on. `audited` adds the audit trail, on the
disk before each answer leaves; `--dev` leaves out who asks. The others do none of this.

Trust the CPU time first: other work on the machine lengthens the wait, not the work. The load comes
from Python, so that the fastest rows' requests a second are bounded by it.

Not measured here: TLS, HTTP/2, subgraphs that take their time, more than one core; Apollo Router,
Hive Router and Cosmo, which are in neither npm nor PyPI. Grafbase's is the server of its command
line.

![Requests in the CPU time of one of Apollo Gateway's](gateways.svg)
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


@dataclass(frozen=True, slots=True)
class Sample:
    minute: float
    megabytes: float


@dataclass(slots=True)
class Measured:
    missing: list[str]
    rounds: dict[tuple[str, int, str], list[Round]] = field(default_factory=dict)
    """By operation, connections and title."""
    samples: list[Sample] = field(default_factory=list)


def write_page(measured: Measured, given: argparse.Namespace) -> None:
    settings = {**vars(given), "date": datetime.now(UTC).date(), "machine": _machine()}
    parts = [INTRODUCTION.format(**settings)]
    for name in OPERATIONS:
        for connections in given.connections:
            rows = rows_of(measured, name, connections)
            parts.append(f"## {name}, {connections} connections\n\n{rows_table(rows)}")
    if measured.missing:
        parts.append(f"Not installed, and so not measured: {', '.join(measured.missing)}.\n")
    if measured.samples:
        parts.append(f"## Memory\n\n{memory(measured.samples)}")
    parts.append(_learnt())
    PAGE.write_text("\n".join(parts))
    first = given.connections[0]
    groups = {name: speeds(rows_of(measured, name, first)) for name in OPERATIONS}
    title = f"Requests in the CPU time of one of {BASE}'s, {first} connections"
    PLOT.write_text(bars(title, groups, [each for each in groups["small"] if OURS in each]))


def rows_of(measured: Measured, name: str, connections: int) -> dict[str, list[Round]]:
    return {
        title: found
        for (operation, at_once, title), found in measured.rounds.items()
        if (operation, at_once) == (name, connections)
    }


def speeds(rows: Mapping[str, Sequence[Round]]) -> dict[str, float]:
    """How many times as fast as the base each is; 1 for all where that is not there."""
    cpu = {title: statistics.median(one.cpu for one in found) for title, found in rows.items()}
    base = cpu.get(BASE)
    return {title: base / each if base else 1.0 for title, each in cpu.items()}


def rows_table(rows: Mapping[str, Sequence[Round]]) -> str:
    faster = speeds(rows)
    heads = ("gateway", "CPU ms a request", f"x {BASE}", "requests/s", "p50 ms", "p99 ms")
    lines = [
        (
            title,
            f"{statistics.median(one.cpu for one in found):.3f}",
            f"{faster[title]:.1f}" if BASE in rows else "-",
            f"{statistics.median(one.requests for one in found):.0f}",
            f"{statistics.median(one.p50 for one in found):.1f}",
            f"{statistics.median(one.p99 for one in found):.1f}",
            f"{max(one.memory for one in found):.0f}",
            str(sum(one.failed for one in found)),
        )
        for title, found in sorted(
            rows.items(), key=lambda row: statistics.median(one.cpu for one in row[1])
        )
    ]
    return table((*heads, "memory MB", "failures"), lines)


def memory(samples: Sequence[Sample]) -> str:
    """Of the second half the slope is told: by then whatever is cached is cached."""
    half = samples[len(samples) // 2 :]
    slope = 0.0
    if len({each.minute for each in half}) > 1:
        minutes, sizes = [each.minute for each in half], [each.megabytes for each in half]
        slope = statistics.linear_regression(minutes, sizes).slope
    return (
        f"{OURS} under 50 connections for {samples[-1].minute:.0f} minutes: "
        f"{samples[0].megabytes:.0f} MB at the start, {samples[-1].megabytes:.0f} MB at the end, "
        f"{max(each.megabytes for each in samples):.0f} MB at most; over the second half "
        f"{slope:+.2f} MB a minute.\n"
    )


def _learnt() -> str:
    """The part of the page that is written by hand, and stays."""
    heading = "## What profiles taught"
    known = PAGE.read_text() if PAGE.exists() else ""
    return heading + known.partition(heading)[2] if heading in known else f"{heading}\n"


def _machine() -> str:
    names = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.machine()} (CPython {platform.python_version()})"
