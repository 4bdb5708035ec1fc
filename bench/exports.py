"""A round of exports of many patients: how fast it is read, and what that takes.

    python -m bench.exports [--patients 10000]

The export is made up as it is asked for and arrives in parts, as over a network; all else is the
product's own: the connector, the readers, the encrypted store and the measures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2
import structlog

from bench.measuring import table
from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.fhir.settings import BulkExport, FhirSource
from subgraphs.connectors.transport import open_client
from subgraphs.insight.measures.definition import Measure, load_measures
from subgraphs.insight.sources.bulk import Refresher
from subgraphs.insight.store.database import Connection
from subgraphs.insight.store.evaluation import Asked, concerned, evaluate
from subgraphs.insight.store.store import Store, open_insight_store
from subgraphs.runtime.access_facts import Person
from subgraphs.runtime.crosswalk import Link

BASE: Final = "https://ehr.example/fhir"
TODAY: Final = date(2026, 11, 22)
TYPES: Final = ("Patient", "Condition", "Observation", "Immunization")
PART_LINES: Final = 200
_ICD: Final = "http://hl7.org/fhir/sid/icd-10-cm"
_LOINC: Final = "http://loinc.org"
_LABS: Final = ("4548-4", "2345-7", "2160-0", "2823-3", "18262-6", "2085-9", "718-7", "8867-4")


class Everybody:
    """Whom the index knows."""

    async def persons(self, members: Sequence[Link]) -> Mapping[Link, Person]:
        return {m: Person(f"person-{m.id}", (m,), "1961-02-03") for m in members}


def rows(type_: str, patients: int) -> Iterator[dict[str, Any]]:
    """What a patient of middle age has: a few diagnoses, and measurements over five years."""
    rng = random.Random(type_)  # noqa: S311 - it has to repeat
    for number in range(patients):
        whose = {"resourceType": type_, "subject": {"reference": f"Patient/{number}"}}
        match type_:
            case "Patient":
                sex = "female" if number % 2 else "male"
                yield {"resourceType": type_, "id": str(number), "gender": sex} | {
                    "birthDate": f"{rng.randint(1940, 2005)}-02-03"
                }
            case "Condition":
                for place, code in enumerate(rng.sample(("E11.9", "I10", "J45.909", "F33.1"), 2)):
                    coded = {"coding": [{"system": _ICD, "code": code}]}
                    yield {**whose, "id": f"c{number}-{place}", "code": coded} | {
                        "onsetDateTime": "2021-03-04"
                    }
            case "Observation":
                yield from _measurements(whose, number, rng)
            case "Immunization":
                day = TODAY - timedelta(days=rng.randrange(900))
                vaccine = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "140"}]}
                yield {**whose, "id": f"i{number}", "status": "completed"} | {
                    "patient": whose["subject"],
                    "vaccineCode": vaccine,
                    "occurrenceDateTime": day.isoformat(),
                }


def _measurements(
    whose: dict[str, Any], number: int, rng: random.Random
) -> Iterator[dict[str, Any]]:
    for visit in range(5):
        day = (TODAY - timedelta(days=rng.randrange(1800))).isoformat()
        final = {**whose, "status": "final", "effectiveDateTime": day}
        parts = [
            {
                "code": {"coding": [{"system": _LOINC, "code": code}]},
                "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"},
            }
            for code, value in (("8480-6", rng.randint(100, 170)), ("8462-4", rng.randint(60, 100)))
        ]
        pressure = {"coding": [{"system": _LOINC, "code": "85354-9"}]}
        yield {**final, "id": f"o{number}-{visit}-p", "code": pressure, "component": parts}
        for place, code in enumerate(_LABS[: 1 + visit % 5]):
            value = {"value": round(rng.uniform(4, 12), 1), "unit": "%", "code": "%"}
            coded = {"coding": [{"system": _LOINC, "code": code}]}
            yield {**final, "id": f"o{number}-{visit}-{place}", "code": coded} | {
                "valueQuantity": value
            }


def network(patients: int) -> httpx2.MockTransport:
    async def body(type_: str) -> AsyncIterator[bytes]:
        lines: list[bytes] = []
        for row in rows(type_, patients):
            lines.append(json.dumps(row).encode() + b"\n")
            if len(lines) >= PART_LINES:
                yield b"".join(lines)
                lines = []
        yield b"".join(lines)

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.rpartition("/")[2]
        if path == "$export":
            return httpx2.Response(202, headers={"Content-Location": f"{BASE}/job"})
        if path == "job":
            output = [{"type": type_, "url": f"{BASE}/{type_}"} for type_ in TYPES]
            told = {"transactionTime": "2026-11-22T06:00:00Z", "output": output}
            return httpx2.Response(200, json=told)
        headers = {"Content-Type": "application/fhir+ndjson"}
        return httpx2.Response(200, content=body(path), headers=headers)

    return httpx2.MockTransport(answer)


async def measure(patients: int) -> list[tuple[str, str]]:
    measures = load_measures()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store = await open_insight_store(home, b"k" * 32, measures)
        before = _peak_mb()
        config = FhirSource(id="ehr", url=BASE, serves=("insight",), bulk=BulkExport())
        async with open_client(config, network=network(patients)) as client:
            exporters = {"ehr": Exporter(config, client)}
            working = Refresher(store, exporters, Everybody(), lambda: datetime.now(UTC))
            began = time.process_time()
            assert await working.refresh()
            took = time.process_time() - began - _making_takes(patients)
        (export,) = await store.exports()
        counted = {
            name: await _timed(store, partial(_count, measure))
            for name, measure in measures.by_id.items()
        }
        concepts = sorted(measures.by_id["blood-pressure-controlled"].concepts)
        looked = await _timed(store, lambda c: concerned(c, concepts))
        await store.close()
        size = _size(home) / 1e6
    slowest = max(counted, key=lambda name: counted[name])
    return [
        ("patients", f"{patients:,}"),
        ("lines read", f"{export.rows:,}"),
        ("reading them, CPU", f"{took:.1f} s"),
        ("lines a second of CPU", f"{export.rows / took:,.0f}"),
        ("memory that took", f"{_peak_mb() - before:.0f} MB"),
        ("the encrypted file", f"{size:.1f} MB"),
        (f"counting the slowest measure ({slowest}), CPU", f"{counted[slowest] * 1000:.0f} ms"),
        ("and who of them has labelled records, CPU", f"{looked * 1000:.0f} ms"),
    ]


def _count(measure: Measure, cursor: Connection) -> object:
    return evaluate(cursor, measure, Asked.everybody(), TODAY)


async def _timed(store: Store, work: Callable[[Any], object]) -> float:
    began = time.process_time()
    await store.read(work)
    return time.process_time() - began


def _making_takes(patients: int) -> float:
    """CPU seconds of what is no part of reading: to make the lines up."""
    began = time.process_time()
    for type_ in TYPES:
        for row in rows(type_, patients):
            json.dumps(row).encode()
    return time.process_time() - began


def _size(home: Path) -> int:
    return sum(file.stat().st_size for file in home.iterdir())


def _peak_mb() -> float:
    # Linux tells it in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast a round of exports is read.")
    parser.add_argument("--patients", type=int, default=10_000)
    given = parser.parse_args()
    # What is printed is the table alone.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    sys.stdout.write(table(("exports in bulk", "measured"), asyncio.run(measure(given.patients))))


if __name__ == "__main__":
    main()
