"""The product's questions to FHIR servers nobody here wrote, each against the data they hold."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest

from contract.context import Caller
from subgraphs.connectors.config import SmartBackend
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.runtime.crosswalk import Crosswalk, Link
from tests.must_support.passing import SOURCE, read_examples, seal, serving
from tests.must_support.reading import elements
from tests.must_support.test_us_core import DOMAINS
from tests.subgraphs.signed import KEY, ask_entities

pytestmark = [pytest.mark.third_party, pytest.mark.shared_data]

MOST = 200
"""Rows of a page: patients who have more of something are not asked about it here."""
LISTS = {
    "Condition": ("records", "conditions", "code { text }", "code.text"),
    "Encounter": ("records", "encounters", "period { start }", "period.start"),
    "Procedure": ("records", "procedures", "code { text }", "code.text"),
    "Immunization": ("records", "immunizations", "lotNumber", "lotNumber"),
    "CarePlan": ("records", "carePlans", "status", "status"),
    "DocumentReference": ("records", "documents", "type { text }", "type.text"),
    "DiagnosticReport": ("diagnostics", "diagnosticReports", "code { text }", "code.text"),
    "MedicationRequest": ("medications", "medicationRequests", "authoredOn", "authoredOn"),
}
"""What a summary lists of each type, one value of each row, and where the record has it."""
TREND = """observations(codes: ["4548-4", "2093-3", "18262-6"], first: 200) {
  nodes { id effective valueQuantity { value } } sources { state } }"""
TREND_CODES = {"4548-4", "2093-3", "18262-6"}


def of_patients(resources: Any) -> dict[str, dict[str, list[dict[str, Any]]]]:
    found: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for resource in resources:
        owner = resource.get("subject") or resource.get("patient") or {}
        type_, _, id_ = owner.get("reference", "").partition("/")
        said = elements(resource, "status") + elements(resource, "verificationStatus.coding.code")
        if type_ == "Patient" and "entered-in-error" not in said:
            found[id_][resource["resourceType"]].append(resource)
    return {id_: dict(own) for id_, own in found.items()}


@pytest.fixture(params=["sekmet", "medplum"])
def server(request):
    """What a server holds, and how it is reached."""
    if request.param == "medplum":
        medplum = request.getfixturevalue("medplum")
        config = FhirSource(
            id=SOURCE, url=medplum.url, serves=tuple(DOMAINS), timeout=60, multiple_or="yes"
        )
        return config, of_patients(medplum.resources)
    sekmet = request.getfixturevalue("sekmet")
    auth = SmartBackend(
        token_url=sekmet.token_url,
        client_id=sekmet.client_id,
        key_file=sekmet.key_file,
        scope="system/*.rs",
    )
    config = FhirSource(id=SOURCE, url=sekmet.url, serves=tuple(DOMAINS), auth=auth, timeout=60)
    folder = request.getfixturevalue("tmp_path")
    held = []
    for number, bundle in enumerate(sekmet.bundles[:6]):
        file = folder / f"{number}.json"
        file.write_bytes(msgspec.json.encode(bundle))
        held += read_examples([file])
    return config, of_patients(held)


async def ask(apps, subgraph, patient, selection):
    links = Crosswalk(KEY).seal_links(patient, [Link(SOURCE, patient)])
    representation = {"__typename": "Patient", "id": patient, "links": links}
    herself = Caller(
        "p", roles=("patient",), scopes=("patient/*.rs",), patient=f"{SOURCE}/{patient}"
    )
    selection = f"... on Patient {{ {selection} }}"
    answer = await ask_entities(apps[subgraph], subgraph, selection, representation, caller=herself)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["_entities"][0]


async def test_a_summary_lists_what_the_server_holds(server):
    config, patients = server
    compared = defaultdict(int)
    async with serving(config, DOMAINS) as apps:
        for patient, own in patients.items():
            for type_, (subgraph, field, shows, path) in LISTS.items():
                expected = own.get(type_, [])
                if len(expected) > MOST:
                    continue
                selection = (
                    f"{field}(first: {MOST}) {{ nodes {{ id {shows} }} sources {{ state }} }}"
                )
                found = (await ask(apps, subgraph, patient, selection))[field]
                assert [source["state"] for source in found["sources"]] == ["OK"]
                assert sorted(node["id"] for node in found["nodes"]) == sorted(
                    seal(subgraph, type_, each["id"], patient) for each in expected
                ), (type_, patient)
                told = {node["id"]: elements(node, path) for node in found["nodes"]}
                for each in expected:
                    recorded = elements(each, path)
                    if recorded:
                        assert told[seal(subgraph, type_, each["id"], patient)] == recorded
                        compared[type_] += 1
    assert sum(compared.values()) > 100
    assert {"Condition", "Encounter", "MedicationRequest"} <= compared.keys()


async def test_a_lab_trend_has_every_value_to_its_last_digit(server):
    config, patients = server
    compared = 0
    async with serving(config, DOMAINS) as apps:
        for patient, own in patients.items():
            expected = {
                seal("diagnostics", "Observation", each["id"], patient): str(value)
                for each in own.get("Observation", [])
                for value in elements(each, "valueQuantity.value")
                if TREND_CODES.intersection(elements(each, "code.coding.code"))
            }
            found = (await ask(apps, "diagnostics", patient, TREND))["observations"]
            told = {
                node["id"]: node["valueQuantity"]["value"]
                for node in found["nodes"]
                if node["valueQuantity"]
            }
            assert told == expected
            compared += len(expected)
    assert compared > 10
