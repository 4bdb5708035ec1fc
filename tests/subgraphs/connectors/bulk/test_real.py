"""Exports of servers nobody here wrote, and one that a server nobody here wrote had made."""

import base64
import json
from collections import Counter

import httpx2
import pytest

from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.bulk.manifest import File, Manifest
from subgraphs.connectors.config import SmartBackend
from subgraphs.connectors.fhir.settings import BulkExport, FhirSource
from subgraphs.connectors.transport import open_client
from tests.plugins.sekmet import LOADING_TOKEN
from tests.shared_data import shared_data
from tests.subgraphs.connectors.bulk.source import AS_OF, BASE, Source

pytestmark = pytest.mark.shared_data
TYPES = ["Patient", "Condition", "Observation", "Procedure", "Immunization"]


async def rows(exporter, manifest, file):
    return [row async for batch in exporter.rows(manifest, file) for row in batch]


async def test_reads_what_inferno_keeps_of_an_export():
    path = shared_data("inferno-reference", "cached_bulk_data_export.json")
    files = {
        f"{BASE}/Binary/{entry['resource']['id']}": base64.b64decode(entry["resource"]["data"])
        for entry in json.loads(path.read_text())["entry"]
    }
    exporter = Source(files={url: [body] for url, body in files.items()}).exporter()
    types = Counter()
    for url, body in files.items():
        found = await rows(exporter, Manifest(AS_OF), File(url))
        assert [json.loads(row.raw) for row in found] == [
            json.loads(line) for line in body.splitlines() if line
        ]
        types.update(row.type for row in found)
    assert types["Patient"] == 3
    assert types["Observation"] > 50


@pytest.mark.third_party
@pytest.mark.parametrize("of", ["Patient", "Group/some"])
async def test_exports_what_sekmet_holds(sekmet, of):
    expected = Counter()
    some = []
    for bundle in sekmet.bundles:
        own = [entry["resource"] for entry in bundle["entry"]]
        patient = next(r["id"] for r in own if r["resourceType"] == "Patient")
        if of.startswith("Group") and len(some) >= 5:
            continue
        some.append(patient)
        expected.update(r["resourceType"] for r in own if r["resourceType"] in TYPES)
    if of.startswith("Group"):
        member = [{"entity": {"reference": f"Patient/{id_}"}} for id_ in some]
        group = {"resourceType": "Group", "id": "some", "type": "person", "actual": True}
        httpx2.put(
            f"{sekmet.url}/{of}",
            json={**group, "member": member},
            headers={"Authorization": f"Bearer {LOADING_TOKEN}"},
        ).raise_for_status()
    auth = SmartBackend(
        token_url=sekmet.token_url, client_id=sekmet.client_id, key_file=sekmet.key_file
    )
    config = FhirSource(
        id="sekmet", url=sekmet.url, serves=(), auth=auth, timeout=30, bulk=BulkExport(of=of)
    )
    async with open_client(config) as client:
        exporter = Exporter(config, client)
        job = await exporter.start(TYPES)
        manifest = await exporter.finished(job)
        found = Counter()
        for file in manifest.output:
            found.update(row.type for row in await rows(exporter, manifest, file))
        assert found == expected
        again = await exporter.finished(await exporter.start(TYPES, manifest.transaction_time))
        assert await exporter.complaints(again) == {}
        # Nothing has changed since, and nothing is read twice.
        assert sum(file.count for file in again.output) == 0
        await exporter.clear(job)
