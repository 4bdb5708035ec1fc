"""Fifty results of three laboratories as one trend, equal to a table made by hand.

`trend/results.csv` is what the laboratories hold; each writes it in its own dialect.
`trend/trend.csv` is what a person made of it with the NGSP master equation and the molar mass of
cholesterol.
"""

from __future__ import annotations

import base64
import csv
import json
import time
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from graphql import FieldNode, parse, print_ast

from contract.context import HEADER, Caller, Context, body_hash, sign_context
from contract.keys import derive_key
from sandbox.faults import Faults
from sandbox.fhir.access import Grant
from sandbox.fhir.server import FhirServer
from sandbox.httpserver import Listener
from schema import OPERATIONS
from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.crosswalk import Crosswalk, Link
from subgraphs.runtime.settings import RuntimeSettings
from tests.subgraphs.signed import post

HERE = Path(__file__).parent / "trend"
MASTER = b"m" * 32
CLINICIAN = Caller("c", roles=("clinician",), scopes=("user/*.rs",))
UCUM, LOINC = "http://unitsofmeasure.org", "http://loinc.org"
FROM = "2024-11-22"
TESTS = {
    "a1c": "4548-4",
    "a1c-oid": "4548-4",
    "a1c-ifcc": "59261-8",
    "ldl": "13457-7",
    "ldl-molar": "39469-2",
    "egfr": "62238-1",
    "egfr-2021": "98979-8",
}
OLDER = {"a1c": "GLYHB", "ldl": "LDLC", "egfr": "GFRE"}


def read(name):
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_epic(row, wire):
    own = {"system": "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.0", "code": f"7{len(row['test'])}"}
    wire["code"] = {"coding": [own, {"system": LOINC, "code": TESTS[row["test"]]}]}
    wire["valueQuantity"] |= {"system": UCUM, "code": row["unit"]}
    return wire


def as_cerner(row, wire):
    own = {"system": "https://fhir.cerner.example/codeSet/72", "code": f"31{len(row['test'])}"}
    shared = {"system": LOINC, "code": TESTS[row["test"]], "userSelected": False}
    wire["code"] = {"coding": [own, shared], "text": row["test"].upper()}
    wire["effectiveDateTime"] = row["effective"].replace("Z", ".000Z")
    return wire


def as_older(row, wire):
    own = {"system": "urn:oid:1.3.6.1.4.1.9999.7", "code": OLDER.get(row["test"])}
    shared = {"system": "urn:oid:2.16.840.1.113883.6.1", "code": TESTS[row["test"]]}
    wire["code"] = {"coding": [own if own["code"] else shared]}
    wire["category"] = [{"coding": [{"system": "urn:oid:1.3.6.1.4.1.9999.8", "code": "CHEM"}]}]
    return wire


DIALECTS = {"epic": as_epic, "cerner": as_cerner, "older": as_older}


def observation(row):
    category = "http://terminology.hl7.org/CodeSystem/observation-category"
    number = row["value"].lstrip("<>")
    amount = {"value": Decimal(number), "unit": row["unit"]}
    if number != row["value"]:
        amount["comparator"] = row["value"][0]
    wire = {
        "resourceType": "Observation",
        "id": row["id"],
        "meta": {"versionId": "1", "lastUpdated": "2026-11-01T00:00:00Z"},
        "status": row["status"],
        "category": [{"coding": [{"system": category, "code": "laboratory"}]}],
        "subject": {"reference": "Patient/ada"},
        "effectiveDateTime": row["effective"],
        "valueQuantity": amount,
    }
    if row["issued"]:
        wire["issued"] = row["issued"]
    if row["replaces"]:
        url = "http://hl7.org/fhir/StructureDefinition/observation-replaces"
        old = {"reference": f"Observation/{row['replaces']}"}
        wire["extension"] = [{"url": url, "valueReference": old}]
    return DIALECTS[row["source"]](row, wire)


class Laboratory:
    """A FHIR server over HTTP; counts its searches."""

    def __init__(self, resources):
        self.searches = 0
        self._resources = resources
        self._listener = Listener(self._respond)

    async def open(self):
        await self._listener.open()
        url = f"http://127.0.0.1:{self._listener.port}"
        self._server = FhirServer(
            self._resources,
            title="Laboratory",
            url=url,
            token_url="http://127.0.0.1/token",
            verify={"good": Grant("gateway", ("system/*.rs",))}.get,
            faults=Faults,
        )
        return f"{url}/fhir"

    async def close(self):
        await self._listener.close()

    async def _respond(self, request):
        self.searches += "metadata" not in request.path
        return await self._server.respond(request)


@pytest.fixture
async def laboratories(tmp_path):
    """Their subgraph, as a deployment configures it."""
    rows = read("results.csv")
    (tmp_path / "token").write_text("good")
    (tmp_path / "codes.yaml").write_bytes((HERE / "older-codes.yaml").read_bytes())
    held, sources = {}, {}
    async with AsyncExitStack() as stack:
        for name in DIALECTS:
            own = [observation(row) for row in rows if row["source"] == name]
            held[name] = Laboratory(own)
            url = await held[name].open()
            stack.push_async_callback(held[name].close)
            auth = {"kind": "bearer-file", "token_file": "token"}
            source = {"kind": "fhir-r4", "url": url, "serves": ["diagnostics"], "auth": auth}
            sources[name] = source | ({"codes": "codes.yaml"} if name == "older" else {})
        (tmp_path / "sources.yaml").write_text(yaml.safe_dump({"sources": sources}))
        key = base64.b64encode(MASTER).decode()
        settings = RuntimeSettings(home=tmp_path, master_key=key)
        apps = await stack.enter_async_context(
            open_subgraphs(["diagnostics", "governance"], settings)
        )
        yield apps["diagnostics"], held


def selection():
    """What the product's own operation asks of the patient."""
    document = parse((OPERATIONS / "lab-trend.graphql").read_text(encoding="utf-8"))
    (operation,) = document.definitions
    (patient,) = operation.selection_set.selections
    fields = patient.selection_set.selections
    return next(
        print_ast(field)
        for field in fields
        if isinstance(field, FieldNode) and field.name.value == "observations"
    )


async def trend(app, start=FROM):
    links = Crosswalk(derive_key(MASTER, "seal:links")).seal_links(
        "ada", [Link(name, "ada") for name in DIALECTS]
    )
    query = (
        "query($r: [_Any!]!, $from: DateTime!, $after: String)"
        f"{{ _entities(representations: $r) {{ ... on Patient {{ {selection()} }} }} }}"
    )
    patient = {"__typename": "Patient", "id": "ada", "links": links}
    body = json.dumps({"query": query, "variables": {"r": [patient], "from": start}}).encode()
    context = Context("diagnostics", body_hash(body), int(time.time()), "r1", CLINICIAN)
    key = derive_key(MASTER, "context:diagnostics")
    headers = [(HEADER.encode(), sign_context(context, key).encode())]
    _, answered = await post(app, "/graphql", body, headers)
    answer = json.loads(answered)
    assert "errors" not in answer
    return answer["data"]["_entities"][0]["observations"]


def as_row(node):
    shown = node["normalized"] or {}
    said = sorted(
        f"{each['path']}: " + "; ".join(f"{v['source']} {v['value']}" for v in each["values"])
        for each in node["conflicts"]
    )
    return {
        "analyte": node["analyte"],
        "effective": node["effective"].replace(".000Z", "Z"),
        "value": (shown.get("comparator") or "") + shown.get("value", ""),
        "unit": shown.get("unit", ""),
        "sources": " ".join(each["source"] for each in node["provenance"]),
        "said": " / ".join(said),
    }


def in_order(rows):
    return sorted(rows, key=lambda row: (row["analyte"], row["effective"]))


async def test_fifty_results_of_three_dialects_are_the_table_made_by_hand(laboratories):
    app, _ = laboratories
    assert len(read("results.csv")) == 50
    found = await trend(app)
    assert found["pageInfo"]["hasNextPage"] is False
    assert {source["state"] for source in found["sources"]} == {"OK"}
    assert in_order(map(as_row, found["nodes"])) == in_order(read("trend.csv"))


async def test_the_original_is_kept_beside_the_common_unit(laboratories):
    nodes = (await trend(laboratories[0]))["nodes"]
    originals = {(n["valueQuantity"]["value"], n["valueQuantity"]["unit"]) for n in nodes}
    assert {("0.90", "mL/s/{1.73_m2}"), ("62", "mmol/mol"), ("61", "arb")} <= originals


async def test_the_chart_begins_where_it_is_asked_to(laboratories):
    nodes = (await trend(laboratories[0], "2026-05-19"))["nodes"]
    expected = [row for row in read("trend.csv") if row["effective"] >= "2026-05-19"]
    assert in_order(map(as_row, nodes)) == in_order(expected)


async def test_a_trend_costs_each_laboratory_two_searches_at_most(laboratories):
    """One for what is asked, one for its own further codes of the same tests."""
    app, held = laboratories
    await trend(app)
    assert {name: each.searches for name, each in held.items()} == dict.fromkeys(held, 2)
