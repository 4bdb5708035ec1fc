"""An EHR in memory that offers what a test lets it offer, and counts how often it is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

BASE = "https://ehr.example/fhir"
HL7 = "http://hl7.org/fhir/SearchParameter"


@dataclass
class Ehr:
    rows: list[dict[str, Any]] = field(default_factory=list)
    brings: list[dict[str, Any]] = field(default_factory=list)
    """What `_include` adds to every page."""
    definitions: str = f"{BASE}/SearchParameter"
    says_or: bool = True
    takes_or: bool = True
    says_batch: bool = True
    takes_batch: bool = True
    permits_batch: bool = True
    declines: bool = False
    page_cap: int = 1000
    data_calls: int = 0
    metadata_calls: int = 0
    paths: list[str] = field(default_factory=list)

    @property
    def network(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self.answer)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/fhir").strip("/")
        self.paths.append(path)
        body = request.content.decode()
        if path == "metadata" or path.startswith("SearchParameter"):
            self.metadata_calls += 1
            answer = self._statement() if path == "metadata" else self._defined(path, body)
        else:
            self.data_calls += 1
            if self.declines:
                answer = _outcome("invalid")
            elif path == "":
                answer = self._batch(json.loads(body))
            elif path.endswith("/_search"):
                answer = self._search(path.partition("/")[0], body)
            else:
                answer = self._search(path, request.url.query.decode())
        status = 400 if answer["resourceType"] == "OperationOutcome" else 200
        if path == "" and not self.permits_batch:
            status = 403
        return httpx2.Response(status, json=answer)

    def _statement(self) -> dict[str, Any]:
        def param(resource_type: str, name: str) -> dict[str, str]:
            return {"name": name, "definition": f"{self.definitions}/{resource_type}-{name}"}

        types = sorted({row["resourceType"] for row in self.rows})
        resources = [
            {"type": type_, "searchParam": [param(type_, "patient"), param(type_, "_id")]}
            for type_ in types
        ]
        interaction = [{"code": "batch"}] if self.says_batch else []
        rest = {"mode": "server", "interaction": interaction, "resource": resources}
        return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}

    def _defined(self, path: str, form: str) -> dict[str, Any]:
        is_search = path.endswith("_search")
        url = dict(parse_qsl(form))["url"] if is_search else f"{BASE}/{path}"
        definition = {"resourceType": "SearchParameter", "url": url, "multipleOr": self.says_or}
        return _bundle([definition]) if is_search else definition

    def _batch(self, bundle: dict[str, Any]) -> dict[str, Any]:
        if not self.takes_batch:
            return _outcome("not-supported")
        entries = []
        for entry in bundle["entry"]:
            url = urlsplit(entry["request"]["url"])
            found = self._search(url.path, url.query)
            entries.append({"resource": found, "response": {"status": "200 OK"}})
        return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}

    def _search(self, resource_type: str, query: str) -> dict[str, Any]:
        params = dict(parse_qsl(query))
        rows = [row for row in self.rows if row["resourceType"] == resource_type]
        for name in ("patient", "_id"):
            if name in params:
                keys = params[name].split(",")
                if len(keys) > 1 and not self.takes_or:
                    return _outcome("invalid")
                rows = [row for row in rows if _key(row, name) in keys]
        if "_sort" in params:
            newest_first = params["_sort"].startswith("-")
            rows.sort(key=lambda row: row["when"], reverse=newest_first)
        start = int(params.get("start", "0"))
        size = min(int(params.get("_count", "1000")), self.page_cap)
        following = {**params, "start": str(start + size)}
        next_url = httpx2.URL(f"{BASE}/{resource_type}", params=following)
        has_next = start + size < len(rows)
        found = _bundle(rows[start : start + size], str(next_url) if has_next else None)
        if "_include" in params:
            found["entry"] += [
                {"resource": row, "search": {"mode": "include"}} for row in self.brings
            ]
        return found


def observation(id_: str, patient: str, when: int = 0, **more: object) -> dict[str, Any]:
    subject = {"reference": f"Patient/{patient}"}
    return {"resourceType": "Observation", "id": id_, "subject": subject, "when": when, **more}


def _key(row: dict[str, Any], param: str) -> str:
    if param == "_id":
        return row["id"]
    participant = row.get("participant", [{}])[0].get("actor")
    references = [row.get(name) for name in ("subject", "beneficiary", "patient")]
    owner = next(filter(None, references), participant)
    return owner["reference"].rpartition("/")[2]


def _bundle(rows: list[dict[str, Any]], next_link: str | None = None) -> dict[str, Any]:
    links = [{"relation": "next", "url": next_link}] if next_link else []
    entries = [{"resource": row} for row in rows]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": links}


def _outcome(code: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}
