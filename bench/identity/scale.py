"""Index people and ask who others are, and say what that took.

python -m bench.identity.scale PEOPLE QUERIES FILE
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.identity.people import SOURCES, miswritten, people, person, record
from subgraphs.identity.index.intake import Said
from subgraphs.identity.index.matching import Outcome
from subgraphs.identity.index.store import PatientIndex, open_index

SEED = 7
PAGE = 100_000
BATCH = 100
AT = datetime(2026, 11, 22, tzinfo=UTC)


class Measured(msgspec.Struct, frozen=True):
    people: int
    records: int
    index_seconds: float
    """CPU of this process."""
    queries: int
    query_seconds: float
    found: int
    """Of the queries about somebody indexed, those whose best match is that person, linked."""
    known: int
    wrong: int
    """Queries linked to somebody else."""
    disk_bytes: int
    peak_bytes: int


async def measure(count: int, queries: int, file: Path) -> Measured:
    index = await open_index(f"sqlite+aiosqlite:///{file}", b"b" * 32)
    try:
        started = time.process_time()
        records = await _fill(index, count)
        indexed = time.process_time()
        known, found, wrong = await _ask(index, count, queries)
        ended = time.process_time()
    finally:
        await index.close()
    return Measured(
        people=count,
        records=records,
        index_seconds=indexed - started,
        queries=queries,
        query_seconds=ended - indexed,
        known=known,
        found=found,
        wrong=wrong,
        disk_bytes=await asyncio.to_thread(lambda: file.stat().st_size),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


async def _fill(index: PatientIndex, count: int) -> int:
    round_ = await index.start_round()
    records = 0
    for start in range(0, count, PAGE):
        pages: dict[str, dict[str, Said]] = {source: {} for source in SOURCES}
        for source, id_, said in people(SEED, start, min(start + PAGE, count)):
            pages[source][id_] = Said(said, AT.timestamp())
            records += 1
        for source, page in pages.items():
            await index.take(source, page, AT, round_)
    return records


async def _ask(index: PatientIndex, count: int, queries: int) -> tuple[int, int, int]:
    """Half the questions are about people who are indexed, written down once more."""
    rng = Random(SEED)  # noqa: S311 - it has to repeat
    known = found = wrong = 0
    for start in range(0, queries, BATCH):
        numbers = [
            count + at if at % 2 else rng.randrange(count)
            for at in range(start, min(start + BATCH, queries))
        ]
        asked = [record(miswritten(person(SEED, number), rng), "asked") for number in numbers]
        for number, matches in zip(numbers, await index.match(asked), strict=True):
            links = {each.link.id for each in matches if each.verdict.outcome is Outcome.LINK}
            known += number < count
            found += str(number) in links
            wrong += bool(links - {str(number)})
    return known, found, wrong


def main() -> None:
    count, queries, file = sys.argv[1:]
    measured = asyncio.run(measure(int(count), int(queries), Path(file)))
    answer: Any = msgspec.json.encode(measured).decode()
    sys.stdout.write(f"{answer}\n")


if __name__ == "__main__":
    main()
