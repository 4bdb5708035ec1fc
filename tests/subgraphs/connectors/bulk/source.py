"""A server that exports what a test lets it, as a client's network; and what it was asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.config import BearerFile
from subgraphs.connectors.fhir.settings import BulkExport, FhirSource
from subgraphs.connectors.transport import open_client

BASE = "https://ehr.example/fhir"
JOB = f"{BASE}/_export/1"
FILES = "https://files.example/1"
AS_OF = "2026-11-22T06:00:00.000Z"


@dataclass
class Source:
    files: dict[str, list[bytes]] = field(default_factory=dict)
    """The script of each address: the last answer repeats."""
    polls: list[httpx2.Response] = field(default_factory=list)
    manifest: dict[str, Any] = field(default_factory=dict)
    pauses: list[float] = field(default_factory=list)
    asked: list[httpx2.Request] = field(default_factory=list)
    token_file: Any = None

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        url = str(request.url)
        if request.method == "DELETE":
            return httpx2.Response(202)
        if request.url.path.endswith("$export"):
            return httpx2.Response(202, headers={"Content-Location": JOB})
        if url == JOB:
            return self.polls.pop(0) if self.polls else httpx2.Response(200, json=self.told())
        script = self.files[url]
        body = script.pop(0) if len(script) > 1 else script[0]
        headers = {"Content-Type": "application/fhir+ndjson"}
        return httpx2.Response(200, content=body, headers=headers)

    def told(self) -> dict[str, Any]:
        usual = {"transactionTime": AS_OF, "request": "", "requiresAccessToken": True}
        return {**usual, "output": [], "error": [], **self.manifest}

    def exporter(self, **settings: Any) -> Exporter:
        auth = {"auth": BearerFile(self.token_file)} if self.token_file else {}
        bulk = BulkExport(**settings)
        config = FhirSource(id="ehr", url=BASE, serves=("insight",), bulk=bulk, **auth)
        client = open_client(config, network=httpx2.MockTransport(self.answer))

        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)

        return Exporter(config, client, sleep)

    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.asked]


def ndjson(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def under_way(**headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(202, headers={"X-Progress": "40%", **named})
