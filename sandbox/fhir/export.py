"""`$export`: jobs, their manifests and files, and what can be made to go wrong with them.

A job is ready at the second question whether it is. https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from sandbox.faults import FOREIGN_HOST, Faults, Misrun
from sandbox.fhir.access import Grant
from sandbox.fhir.interactions import Answer
from sandbox.fhir.matching import find_matches
from sandbox.fhir.outcome import Refusal, outcome
from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.search import read_search
from sandbox.fhir.store import Store, Stored
from sandbox.wire import encode

NDJSON = "application/fhir+ndjson"
EVERYONE = "everyone"
"""The one group there is: all patients."""
EXPORT, JOBS = "$export", "_export"
_PARAMS = frozenset({"_type", "_since", "_typeFilter", "_outputFormat"})
_FORMATS = frozenset({NDJSON, "application/ndjson", "ndjson"})
_KEPT = 20


@dataclass
class Job:
    request: str
    began: str
    rows: Mapping[str, list[Stored]]
    polls: int = 0
    files: dict[str, bytes] = field(default_factory=dict)


class Exports:
    def __init__(self, store: Store, base: str) -> None:
        self._store = store
        self._base = base
        self._jobs: dict[str, Job] = {}

    def start(
        self,
        level: tuple[str, ...],
        pairs: Iterable[tuple[str, str]],
        headers: Mapping[str, str],
        grant: Grant,
    ) -> Answer:
        """`level` is what stands before `$export` in the address."""
        if "respond-async" not in headers.get("prefer", ""):
            raise Refusal(400, "invalid", "an export is asked for with Prefer: respond-async")
        if level not in {(), ("Patient",), ("Group", EVERYONE)}:
            raise Refusal(404, "not-found", "nothing is exported here")
        asked: dict[str, list[str]] = {}
        for name, value in pairs:
            asked.setdefault(name, []).append(value)
        unknown = sorted(set(asked) - _PARAMS)
        if unknown and "handling=strict" in headers.get("prefer", ""):
            raise Refusal(400, "not-supported", "unknown: " + ", ".join(unknown))
        if not _FORMATS.issuperset(asked.get("_outputFormat", [])):
            raise Refusal(400, "not-supported", "exports are NDJSON")
        types = self._types(_listed(asked, "_type"), grant, of_patients=bool(level))
        rows = {type_: self._rows(type_, asked) for type_ in types}
        id_ = secrets.token_hex(8)
        request = f"{self._base}/{'/'.join((*level, EXPORT))}"
        began = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._jobs[id_] = Job(request, began, rows)
        while len(self._jobs) > _KEPT:
            del self._jobs[next(iter(self._jobs))]
        return Answer(202, headers=(("content-location", f"{self._base}/{JOBS}/{id_}"),))

    def status(self, id_: str, faults: Faults) -> Answer:
        job = self._job(id_)
        job.polls += 1
        if faults.export is Misrun.FAILS:
            raise Refusal(500, "exception", "the export has failed")
        if job.polls == 1 or faults.export is Misrun.STUCK:
            return Answer(202, headers=(("retry-after", "1"), ("x-progress", "50%")))
        return Answer(
            200,
            msgspec.Raw(encode(self._manifest(id_, job, faults))),
            media_type="application/json",
        )

    def cancel(self, id_: str) -> Answer:
        self._job(id_)
        del self._jobs[id_]
        return Answer(202)

    def file(self, id_: str, name: str, faults: Faults) -> Answer:
        job = self._job(id_)
        if faults.export is Misrun.GONE:
            raise Refusal(410, "not-found", "the file has expired")
        if name == "errors":
            body = encode(outcome("exception", "some resources could not be exported")) + b"\n"
        elif name in job.rows:
            body = b"".join(bytes(stored.raw) + b"\n" for stored in job.rows[name])
        else:
            raise Refusal(404, "not-found", "no such file")
        if faults.export is Misrun.CUT:
            body = body[: len(body) * 2 // 3]
        if faults.export is Misrun.GARBLED:
            body = body[: len(body) // 2] + b"\n<!doctype html>\n" + body[len(body) // 2 :]
        return Answer(200, msgspec.Raw(body), media_type=NDJSON)

    def _job(self, id_: str) -> Job:
        if id_ not in self._jobs:
            raise Refusal(404, "not-found", "no such export")
        return self._jobs[id_]

    def _types(self, asked: list[str], grant: Grant, *, of_patients: bool) -> list[str]:
        known = [
            type_
            for type_, parameters in PARAMETERS.items()
            if not of_patients or type_ == "Patient" or "patient" in parameters
        ]
        if unknown := sorted(set(asked) - set(PARAMETERS)):
            raise Refusal(400, "not-supported", "no such types: " + ", ".join(unknown))
        types = [type_ for type_ in known if type_ in asked] if asked else known
        permitted = [t for t in types if grant.permits(t, "r") and grant.permits(t, "s")]
        if asked and permitted != types:
            raise Refusal(403, "forbidden", "the token's scopes do not reach this far")
        return permitted

    def _rows(self, type_: str, asked: Mapping[str, list[str]]) -> list[Stored]:
        found: dict[str, Stored] = {}
        filters = [f.partition("?") for f in _listed(asked, "_typeFilter")]
        own = [query for name, _, query in filters if name == type_]
        for query in own or [""]:
            pairs = [(key, value) for key, _, value in (p.partition("=") for p in query.split("&"))]
            search = read_search(
                type_, [pair for pair in pairs if pair[0]], self._base, multiple_or=True
            )
            found |= {stored.id: stored for stored in find_matches(self._store, search)}
        since = _instant(asked["_since"][-1]) if "_since" in asked else None
        return [s for s in found.values() if since is None or _instant(s.last_updated) >= since]

    def _manifest(self, id_: str, job: Job, faults: Faults) -> dict[str, Any]:
        host = FOREIGN_HOST if faults.export is Misrun.FOREIGN else self._base
        output = [
            {"type": type_, "url": f"{host}/{JOBS}/{id_}/{type_}", "count": len(rows)}
            for type_, rows in job.rows.items()
            if rows
        ]
        error: list[dict[str, Any]] = []
        if faults.export is Misrun.PARTIAL:
            output = output[: len(output) // 2]
            url = f"{self._base}/{JOBS}/{id_}/errors"
            error = [{"type": "OperationOutcome", "url": url, "count": 1}]
        return {
            "transactionTime": job.began,
            "request": job.request,
            "requiresAccessToken": True,
            "output": output,
            "deleted": [],
            "error": error,
        }


def _listed(asked: Mapping[str, list[str]], name: str) -> list[str]:
    return [part for value in asked.get(name, []) for part in value.split(",") if part]


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "invalid", "_since is no instant") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
