"""Each step of an export owes what every connector owes: kick-off, status and files."""

import json

import httpx2

from chartgraph.testing.connectors import PHI, ConnectorContract
from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.bulk.manifest import File, Manifest
from subgraphs.connectors.fhir.settings import BulkExport, FhirSource
from tests.subgraphs.connectors.bulk.source import AS_OF, BASE, JOB, ndjson


def source() -> FhirSource:
    return FhirSource(id="ehr", url=BASE, serves=("insight",), bulk=BulkExport())


class TestTheStatus(ConnectorContract):
    def config(self):
        return source()

    def good(self):
        file = {"type": "Patient", "url": f"{BASE}/files/{PHI}"}
        told = {"transactionTime": AS_OF, "requiresAccessToken": True, "output": [file]}
        return httpx2.Response(200, json=told)

    async def ask(self, client):
        return await Exporter(source(), client).poll(JOB)


class TestAFile(ConnectorContract):
    def config(self):
        return source()

    def good(self):
        patient = {"resourceType": "Patient", "id": "1", "name": [{"family": PHI}]}
        headers = {"Content-Type": "application/fhir+ndjson"}
        return httpx2.Response(200, content=ndjson(patient, patient), headers=headers)

    async def ask(self, client):
        # Bounded as the client is: a line is a resource, which is as large as any answer may be.
        config = source()
        limit = client._transport._config.max_response_bytes
        config = FhirSource(
            id="ehr", url=BASE, serves=(), bulk=BulkExport(), max_response_bytes=limit
        )
        manifest = Manifest(AS_OF, requires_access_token=True)
        batches = Exporter(config, client).rows(manifest, File(f"{BASE}/files/1", "Patient", 2))
        return [row async for batch in batches for row in batch]


class TestTheKickOff(ConnectorContract):
    def config(self):
        return source()

    def good(self):
        headers = {"Content-Location": JOB, "Content-Type": "application/json"}
        return httpx2.Response(202, content=json.dumps({"text": PHI}), headers=headers)

    async def ask(self, client):
        return await Exporter(source(), client).start(["Patient"])

    # What comes with a 202 is not looked at: there is nothing to cut, to exceed or to garble.
    test_half_an_answer = None
    test_an_answer_too_large = None
    test_what_goes_wrong_is_told_without_phi = None
