"""Telehealth over the sandbox's vendor."""

from pathlib import Path

import pytest

from contract.keys import derive_key
from subgraphs.connectors.config import FhirSource, SmartBackend
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.transport import open_client
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.visit_key import VisitKey, VisitKeys
from tests.subgraphs.conftest import MASTER
from tests.subgraphs.telehealth.graph import HOST

SESSION_KEY = "sessionKey"


@pytest.fixture
async def booked(calm_sandbox):
    """Appointments of ehr-a with a video visit, as scheduling would hand them over."""
    ready = calm_sandbox.ready
    auth = SmartBackend(
        token_url=ready["token_url"],
        client_id=ready["client"]["client_id"],
        key_file=Path(ready["client"]["key_file"]),
    )
    url = ready["upstreams"]["ehr-a"]["url"]
    config = FhirSource(id="ehr-a", url=url, serves=(), auth=auth)
    keys = VisitKeys(derive_key(MASTER, "seal:links"))
    async with open_client(config) as client:
        pages = [page async for page in FhirServer(config, client).crawl("Appointment")]
    found = [row for page in pages for row in page if row.get("extension")]
    assert found
    return [_representation(keys, row) for row in found]


def _representation(keys: VisitKeys, row: dict) -> dict:
    service = row["extension"][0]["extension"]
    visit = next(part["valueString"] for part in service if part["url"] == SESSION_KEY)
    actors = [p["actor"]["reference"].split("/") for p in row["participant"]]
    (patient,) = [id_ for type_, id_ in actors if type_ == "Patient"]
    hosts = tuple(Link("ehr-a", id_) for type_, id_ in actors if type_ == "Practitioner")
    key = VisitKey(visit, patient, (Link("ehr-a", patient),), hosts)
    return {"__typename": "Appointment", "id": row["id"], "visitKey": keys.seal(row["id"], key)}


SELECTION = "... on Appointment { virtualVisit { id status startsAt joinUrl hostUrl } }"


async def test_every_booked_visit_in_one_call(graph, calm_sandbox, booked):
    calm_sandbox.reset_calls()
    answer = await graph.entities("telehealth", SELECTION, *booked, caller=HOST)
    assert not answer.errors
    visits = [each["virtualVisit"] for each in answer.data]
    assert all(visit["joinUrl"] and visit["status"] for visit in visits)
    assert {visit["hostUrl"] for visit in visits} == {None}
    assert calm_sandbox.calls()["telehealth"]["total"] == 1


async def test_the_vendor_down(graph, calm_sandbox, booked):
    with calm_sandbox.broken("telehealth", outage="503"):
        answer = await graph.entities("telehealth", SELECTION, booked[0], caller=HOST)
    assert answer.data == [{"virtualVisit": None}]
    assert answer.codes == ["SOURCE_UNAVAILABLE"]
