"""The FHIR connector against servers nobody here wrote, holding real bundles."""

from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from subgraphs.connectors.config import SmartBackend
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client

pytestmark = [pytest.mark.third_party, pytest.mark.shared_data]

A1C = "http://loinc.org|4548-4"
MOST = 50
"""Patients of one question."""


@dataclass
class Held:
    """A server, how it is asked, and what it holds by patient."""

    server: FhirServer
    calls: list
    latest: int
    """Calls that the newest row of each of fifty patients may take, that way."""
    patients: dict = field(default_factory=lambda: defaultdict(list))

    def ids(self, type_, accept=lambda _: True):
        return {
            patient: {r["id"] for r in own if r["resourceType"] == type_ and accept(r)}
            for patient, own in self.patients.items()
        }


# By OR list, one more for the batch it refused; one by one, a call for each patient, and perhaps
# one more to learn whether that is still the best it offers.
WAYS = {
    "sekmet, OR list": {"multiple_or": "yes", "scope": "system/*.rs", "latest": 3},
    # It wants a right to create of whoever sends a batch.
    "sekmet, batch": {"multiple_or": "no", "scope": "system/*.crs", "latest": 1},
    "sekmet, single": {"multiple_or": "no", "scope": "system/*.rs", "latest": MOST + 2},
    "medplum, OR list": {"multiple_or": "yes", "latest": 3},
    # It states nothing.
    "medplum, single": {"multiple_or": "auto", "latest": MOST + 1},
}


@pytest.fixture(params=WAYS)
async def held(request):
    way = WAYS[request.param]
    name = request.param.partition(",")[0]
    foreign = request.getfixturevalue(name)
    settings = {"multiple_or": way["multiple_or"]}
    if name == "sekmet":
        settings["auth"] = SmartBackend(
            token_url=foreign.token_url,
            client_id=foreign.client_id,
            key_file=foreign.key_file,
            scope=way["scope"],
        )
    async with opened(foreign.url, **settings) as (server, calls):
        held = Held(server, calls, way["latest"])
        bundles = foreign.bundles if name == "sekmet" else [foreign.resources]
        for bundle in bundles:
            resources = [e["resource"] for e in bundle["entry"]] if name == "sekmet" else bundle
            for resource in resources:
                held.patients[owner_of(resource)].append(resource)
        held.patients.pop(None, None)
        yield held


@asynccontextmanager
async def opened(url, **settings):
    config = FhirSource(
        id="foreign",
        url=url,
        serves=("records",),
        timeout=30,
        conformance="strict",
        conformance_share=0.01,
        **settings,
    )
    calls = []
    async with open_client(config, on_call=calls.append) as client:
        server = FhirServer(config, client)
        await server.capabilities()
        calls.clear()
        yield server, calls


def owner_of(resource):
    if resource["resourceType"] == "Patient":
        return resource["id"]
    reference = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
    return reference.removeprefix("urn:uuid:").removeprefix("Patient/") or None


def is_a1c(observation: dict) -> bool:
    return any(coding["code"] == "4548-4" for coding in observation["code"]["coding"])


async def test_every_condition_of_fifty_patients(held):
    conditions = held.ids("Condition")
    patients = sorted(conditions)[:MOST]
    rows = await held.server.search_by("Condition", "patient", patients)
    assert {p: {r["id"] for r in rows[p]} for p in patients} == {p: conditions[p] for p in patients}


async def test_the_last_a1c_of_fifty_patients(held):
    measured = held.ids("Observation", is_a1c)
    patients = sorted(measured)[:MOST]
    narrowed = {"code": A1C}
    rows = await held.server.latest_by("Observation", "patient", patients, narrowed, sort="-date")
    assert len(held.calls) <= held.latest
    every = await held.server.search_by("Observation", "patient", patients, narrowed)
    assert sum(map(len, rows.values())) == sum(map(bool, every.values())) > 0
    for patient in patients:
        dates = [row["effectiveDateTime"] for row in every[patient]]
        assert {row["id"] for row in every[patient]} == measured[patient]
        assert [row["effectiveDateTime"] for row in rows[patient]] == sorted(dates)[-1:]


async def test_reads_and_crawls_everyone(held):
    everyone = {p for p, own in held.patients.items() if any(r["id"] == p for r in own)}
    crawled = {row["id"] async for page in held.server.crawl("Patient") for row in page}
    assert crawled == everyone
    assert set(await held.server.read("Patient", [*everyone, "nobody"])) == everyone
