"""Claim/$submit and Claim/$inquire over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import Scripted
from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.fhir.writing import NotConformingError
from subgraphs.connectors.pas.bundles import REQUEST, Entry, write_bundle
from subgraphs.connectors.pas.client import DaVinciPasSource, PasClient
from subgraphs.connectors.transport import open_client
from tests.subgraphs.connectors.pas.test_answers import answer
from tests.subgraphs.coverage.authorizations import request

SOURCE = DaVinciPasSource(
    id="pas", url="https://payer.example/fhir", serves=("coverage",), payer="payer"
)
FHIR = {"Content-Type": "application/fhir+json"}


class TestInquiring(ConnectorContract):
    def config(self):
        return SOURCE

    def good(self):
        found = {"name": "responseBundle", "resource": answer()}
        content = json.dumps({"resourceType": "Parameters", "parameter": [found]})
        return httpx2.Response(200, content=content.encode(), headers=FHIR)

    async def ask(self, client):
        return await PasClient(SOURCE, client).inquire(f'{{"{PHI}": 1}}'.encode())


class TestSubmitting(ConnectorContract):
    tries = 1

    def config(self):
        return SOURCE

    def good(self):
        return httpx2.Response(200, content=json.dumps(answer()).encode(), headers=FHIR)

    async def ask(self, client):
        return await PasClient(SOURCE, client).submit(f'{{"{PHI}": 1}}'.encode())


async def test_a_refusal_tells_its_issue_codes():
    issue = {"severity": "error", "code": "required", "diagnostics": PHI}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    network = Scripted([httpx2.Response(400, json=outcome)])
    client = PasClient(SOURCE, open_client(SOURCE, network=network))
    with pytest.raises(Rejected) as raised:
        await client.submit(b"{}")
    assert (raised.value.status, raised.value.codes) == (400, ("required",))
    assert PHI not in str(raised.value)


def claim(**more):
    own = request("ada", "q1", insurer={"display": "Meadow"}, provider={"display": "Us"})
    own["insurance"] = [{"sequence": 1, "focal": True, "coverage": {"display": "c"}}]
    own["patient"] = {"reference": "https://payer.example/fhir/Patient/p-ada"}
    return {**own, **more}


def written(content, others):
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return write_bundle(REQUEST, Entry("urn:uuid:1", content), others, "1", at)


def test_the_claim_comes_first_with_all_it_refers_to():
    patient = {"resourceType": "Patient", "id": "p-ada"}
    url = "https://payer.example/fhir/Patient/p-ada"
    bundle = json.loads(written(claim(), [Entry(url, patient)]))
    assert [entry["fullUrl"] for entry in bundle["entry"]] == ["urn:uuid:1", url]
    assert bundle["identifier"]["value"] == "urn:uuid:1"


def test_what_refers_to_nothing_in_the_bundle_does_not_leave():
    with pytest.raises(NotConformingError) as raised:
        written(claim(), [])
    assert raised.value.elements == ("Claim.patient",)


def test_what_is_not_valid_does_not_leave():
    with pytest.raises(NotConformingError) as raised:
        written(claim(created=PHI), [])
    assert "entry.0.resource.created" in raised.value.elements
    assert PHI not in str(raised.value)
