"""Exports of the sandbox, over the network, and what comes of each fault of its panel."""

from pathlib import Path

import pytest

from subgraphs.connectors.bulk import exporter as exporting
from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.config import SmartBackend
from subgraphs.connectors.errors import (
    Expired,
    ProtocolViolation,
    TimedOut,
    Unavailable,
    UpstreamError,
)
from subgraphs.connectors.fhir.settings import BulkExport, FhirSource
from subgraphs.connectors.transport import open_client


@pytest.fixture
async def exporter(calm_sandbox, monkeypatch):
    monkeypatch.setattr(exporting, "FIRST_PAUSE", 0.01)
    ready = calm_sandbox.ready
    auth = SmartBackend(
        token_url=ready["token_url"],
        client_id=ready["client"]["client_id"],
        key_file=Path(ready["client"]["key_file"]),
    )
    bulk = BulkExport(max_pause=0.02, max_wait=0.5)
    url = calm_sandbox.url("ehr-a")
    config = FhirSource(id="ehr-a", url=url, serves=(), auth=auth, bulk=bulk, timeout=30)
    async with open_client(config) as client:
        yield Exporter(config, client)


async def export(exporter, types=("Patient", "Observation")):
    job = await exporter.start(types)
    manifest = await exporter.finished(job)
    found = {
        file.type: [row async for batch in exporter.rows(manifest, file) for row in batch]
        for file in manifest.output
    }
    return job, manifest, found


async def test_gives_everybody(calm_sandbox, exporter):
    job, manifest, found = await export(exporter)
    people = [person["ids"] for person in calm_sandbox.truth["people"]]
    everybody = {ids["ehr-a"] for ids in people if "ehr-a" in ids}
    assert {row.id for row in found["Patient"]} == everybody
    counts = {file.type: file.count for file in manifest.output}
    assert {type_: len(rows) for type_, rows in found.items()} == counts
    assert counts["Observation"] > 100
    await exporter.clear(job)
    with pytest.raises(Expired):
        await exporter.poll(job)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("stuck", TimedOut),
        ("fails", Unavailable),
        ("gone", Expired),
        ("cut", ProtocolViolation),
        ("garbled", ProtocolViolation),
        ("foreign", ProtocolViolation),
    ],
)
async def test_what_goes_wrong_is_told(calm_sandbox, exporter, fault, error):
    with calm_sandbox.broken("ehr-a", export=fault), pytest.raises(error):
        await export(exporter)


async def test_what_is_missing_is_told(calm_sandbox, exporter):
    with calm_sandbox.broken("ehr-a", export="partial"):
        _, manifest, found = await export(exporter)
        assert list(found) == ["Observation"]
        assert await exporter.complaints(manifest) == {"exception": 1}


@pytest.mark.parametrize("outage", ["refuse", "half", "truncated", "html", "503"])
async def test_a_file_that_does_not_arrive(calm_sandbox, exporter, outage):
    manifest = await exporter.finished(await exporter.start(["Patient"]))
    with calm_sandbox.broken("ehr-a", outage=outage), pytest.raises(UpstreamError):
        [row async for row in exporter.rows(manifest, manifest.output[0])]
    # And then does: whole, from its start.
    rows = [row async for row in exporter.rows(manifest, manifest.output[0])]
    assert sum(map(len, rows)) == manifest.output[0].count
