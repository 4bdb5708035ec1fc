"""The FHIR connector against a server nobody here wrote, holding real bundles."""

from collections import defaultdict

import pytest

from subgraphs.connectors.config import SmartBackend
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client

pytestmark = [pytest.mark.third_party, pytest.mark.shared_data]

A1C = "http://loinc.org|4548-4"


# It wants a right to create of whoever sends a batch.
WAYS = {
    "OR list": ("yes", "system/*.rs"),
    "batch": ("no", "system/*.crs"),
    "single": ("no", "system/*.rs"),
}


@pytest.fixture(params=WAYS)
async def server(sekmet, request):
    multiple_or, scope = WAYS[request.param]
    auth = SmartBackend(
        token_url=sekmet.token_url,
        client_id=sekmet.client_id,
        key_file=sekmet.key_file,
        scope=scope,
    )
    config = FhirSource(
        id="sekmet",
        url=sekmet.url,
        serves=("records",),
        auth=auth,
        timeout=30,
        multiple_or=multiple_or,
        conformance="strict",
        conformance_share=0.01,
    )
    calls = []
    async with open_client(config, on_call=calls.append) as client:
        server = FhirServer(config, client)
        await server.capabilities()
        calls.clear()
        server.calls, server.way = calls, request.param
        yield server


@pytest.fixture
def expected(sekmet):
    """Ids of every patient's resources of a type, as the files have them."""

    def of(resource_type: str, accept=lambda _: True) -> dict[str, set[str]]:
        found = defaultdict(set)
        for bundle in sekmet.bundles:
            resources = [entry["resource"] for entry in bundle["entry"]]
            patient = next(r["id"] for r in resources if r["resourceType"] == "Patient")
            found[patient] |= {
                r["id"] for r in resources if r["resourceType"] == resource_type and accept(r)
            }
        return dict(found)

    return of


def is_a1c(observation: dict) -> bool:
    return any(coding["code"] == "4548-4" for coding in observation["code"]["coding"])


async def test_every_condition_of_fifty_patients(server, expected):
    conditions = expected("Condition")
    patients = sorted(conditions)[:50]
    rows = await server.search_by("Condition", "patient", patients)
    assert {p: {r["id"] for r in rows[p]} for p in patients} == {p: conditions[p] for p in patients}


async def test_the_last_a1c_of_fifty_patients(server, expected):
    measured = expected("Observation", is_a1c)
    patients = sorted(measured)[:50]
    rows = await server.latest_by("Observation", "patient", patients, {"code": A1C}, sort="-date")
    # By OR list, one more for the batch it refused; one by one, a call for each patient.
    assert len(server.calls) <= {"OR list": 3, "batch": 1, "single": 51}[server.way]
    every = await server.search_by("Observation", "patient", patients, {"code": A1C})
    assert sum(map(len, rows.values())) >= 10
    for patient in patients:
        dates = [row["effectiveDateTime"] for row in every[patient]]
        assert {row["id"] for row in every[patient]} == measured[patient]
        assert [row["effectiveDateTime"] for row in rows[patient]] == sorted(dates)[-1:]


async def test_reads_and_crawls_everyone(server, expected):
    everyone = set(expected("Patient"))
    crawled = {row["id"] async for page in server.crawl("Patient") for row in page}
    assert crawled == everyone
    assert set(await server.read("Patient", [*everyone, "nobody"])) == everyone
