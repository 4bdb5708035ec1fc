"""Index people and ask who others are, and say what that took.

python -m bench.identity.scale PEOPLE QUERIES FILE

How far it has come is told on standard error: a million takes its time.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.identity.people import SOURCES, miswritten, people, person, record
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.intake import Said
from subgraphs.identity.index.matching import Matcher, Outcome, Verdict
from subgraphs.identity.index.store import PatientIndex, open_index

SEED = 7
PAGE = 50_000
BATCH = 100
TOLD = 10_000
AT = datetime(2026, 11, 22, tzinfo=UTC)


class Measured(msgspec.Struct, frozen=True):
    people: int
    records: int
    index_seconds: float
    """CPU of this process, but not what it took to make the people up; so `query_seconds`."""
    indexed_bytes: int
    """The most memory the process held until all were indexed."""
    queries: int
    query_seconds: float
    candidates: int
    """Records that were compared with all the queries."""
    found: int
    """Of the queries about somebody indexed, those whose best match is that person, linked."""
    known: int
    wrong: int
    """Queries linked to somebody else."""
    disk_bytes: int
    peak_bytes: int


class _Counting(Matcher):
    """Counts what is compared."""

    compared = 0

    def decide(self, one: Features, other: Features) -> Verdict:
        self.compared += 1
        return super().decide(one, other)


@dataclass
class _Timer:
    """CPU of this process between `start` and `stop`, all such times added up."""

    seconds: float = 0.0
    _since: float = 0.0

    def start(self) -> None:
        self._since = time.process_time()

    def stop(self) -> None:
        self.seconds += time.process_time() - self._since


async def measure(count: int, queries: int, file: Path) -> Measured:
    matcher = _Counting()
    index = await open_index(f"sqlite+aiosqlite:///{file}", b"b" * 32, matcher)
    try:
        indexing, asking = _Timer(), _Timer()
        records = await _fill(index, count, indexing)
        peak, matcher.compared = _peak(), 0
        known, found, wrong = await _ask(index, count, queries, asking)
    finally:
        await index.close()
    return Measured(
        people=count,
        records=records,
        index_seconds=indexing.seconds,
        indexed_bytes=peak,
        queries=queries,
        query_seconds=asking.seconds,
        candidates=matcher.compared,
        known=known,
        found=found,
        wrong=wrong,
        disk_bytes=await asyncio.to_thread(lambda: file.stat().st_size),
        peak_bytes=_peak(),
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def _fill(index: PatientIndex, count: int, timer: _Timer) -> int:
    round_ = await index.start_round()
    records = 0
    for start in range(0, count, PAGE):
        pages: dict[str, dict[str, Said]] = {source: {} for source in SOURCES}
        for source, id_, said in people(SEED, start, min(start + PAGE, count)):
            pages[source][id_] = Said(said, AT.timestamp())
            records += 1
        timer.start()
        for source, page in pages.items():
            await index.take(source, page, AT, round_)
        timer.stop()
        _tell(f"{records:,} records indexed", timer)
    return records


async def _ask(
    index: PatientIndex, count: int, queries: int, timer: _Timer
) -> tuple[int, int, int]:
    """Half the questions are about people who are indexed, written down once more."""
    rng = Random(SEED)  # noqa: S311 - it has to repeat
    known = found = wrong = 0
    for start in range(0, queries, BATCH):
        numbers = [
            count + at if at % 2 else rng.randrange(count)
            for at in range(start, min(start + BATCH, queries))
        ]
        asked = [record(miswritten(person(SEED, number), rng), "asked") for number in numbers]
        timer.start()
        answers = await index.match(asked)
        timer.stop()
        for number, matches in zip(numbers, answers, strict=True):
            links = {each.link.id for each in matches if each.verdict.outcome is Outcome.LINK}
            known += number < count
            found += str(number) in links
            wrong += bool(links - {str(number)})
        if (start + BATCH) % TOLD == 0:
            _tell(f"{start + BATCH:,} asked, {found:,} of {known:,} found, {wrong} wrong", timer)
    return known, found, wrong


def _tell(what: str, timer: _Timer) -> None:
    sys.stderr.write(f"{what}; {timer.seconds:.1f} s of CPU, {_peak() / 1e6:,.0f} MB at most\n")


def main() -> None:
    count, queries, file = sys.argv[1:]
    measured = asyncio.run(measure(int(count), int(queries), Path(file)))
    answer: Any = msgspec.json.encode(measured).decode()
    sys.stdout.write(f"{answer}\n")


if __name__ == "__main__":
    main()
