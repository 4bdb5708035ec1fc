"""Real bundles in a server nobody here wrote: whoever their visits name comes out of the graph."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack

import pytest
import yaml

from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.settings import RuntimeSettings
from tests.subgraphs.conftest import MASTER, Graph, settled

pytestmark = [pytest.mark.third_party, pytest.mark.shared_data]

PEOPLE = 12
VISITS = """... on Patient { encounters(first: 200) { nodes { period { start }
  participants { individual { practitioner { reference } } }
  serviceProvider { organization { reference } } } } }"""


@pytest.fixture
async def graph(sekmet, tmp_path):
    source = {
        "kind": "fhir-r4",
        "url": sekmet.url,
        "serves": ["identity", "records", "directory"],
        "timeout": 30.0,
        "multiple_or": "yes",
        "auth": {
            "kind": "smart-backend",
            "token_url": sekmet.token_url,
            "client_id": sekmet.client_id,
            "key_file": str(sekmet.key_file),
            "scope": "system/*.*",
        },
    }
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump({"sources": {"ehr": source}}))
    settings = RuntimeSettings(home=tmp_path, master_key=base64.b64encode(MASTER).decode())
    names = ["identity", "records", "directory", "governance"]
    async with AsyncExitStack() as stack:
        apps = await stack.enter_async_context(open_subgraphs(names, settings))
        await settled(apps["identity"])
        yield Graph(apps, {}, "")


def named(bundle):
    """Of each visit, when it was, and the names of who saw the patient and of the house."""
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    for resource in by_url.values():
        if resource["resourceType"] == "Encounter":
            (participant,) = resource["participant"]
            doctor = by_url[participant["individual"]["reference"]]["name"][0]
            house = by_url[resource["serviceProvider"]["reference"]]
            yield resource["period"]["start"], doctor["family"], doctor["given"][0], house["name"]


async def test_every_visit_s_doctor_and_house_are_nodes(graph, sekmet):
    compared = 0
    for bundle in sekmet.bundles[:PEOPLE]:
        (id_,) = (
            entry["resource"]["id"]
            for entry in bundle["entry"]
            if entry["resource"]["resourceType"] == "Patient"
        )
        answer = await graph.entities("records", VISITS, await graph.patient("ehr", id_))
        assert not answer.errors
        visits = answer.data[0]["encounters"]["nodes"]
        doctors = [v["participants"][0]["individual"]["practitioner"] for v in visits]
        houses = [v["serviceProvider"]["organization"] for v in visits]
        found = await graph.entities(
            "directory",
            "... on Practitioner { npi name { family given } } ... on Organization { title: name }",
            *({"__typename": "Practitioner", **each} for each in doctors),
            *({"__typename": "Organization", **each} for each in houses),
        )
        assert not found.errors
        told = {
            (v["period"]["start"], d["name"]["family"], d["name"]["given"][0], h["title"])
            for v, d, h in zip(visits, found.data, found.data[len(visits) :], strict=False)
        }
        # What is sensitive is the patient's own, and not asked for by her here.
        assert told <= set(named(bundle))
        # Synthea's numbers are too short to be anyone's.
        assert all(each["npi"] is None for each in found.data[: len(visits)])
        compared += len(told)
    assert compared > PEOPLE * 5
