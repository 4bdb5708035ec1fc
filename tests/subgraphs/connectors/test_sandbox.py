"""The connectors over real connections: what an upstream can do to us, and the worklist's calls."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from subgraphs.connectors.config import SmartBackend
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.transport import open_client

A1C = "http://loinc.org|4548-4"


@pytest.fixture
async def servers(calm_sandbox):
    """The FHIR servers by name, made anew by `connect`; the calls on the wire in `calls`."""
    ready = calm_sandbox.ready
    auth = SmartBackend(
        token_url=ready["token_url"],
        client_id=ready["client"]["client_id"],
        key_file=Path(ready["client"]["key_file"]),
    )
    async with AsyncExitStack() as stack:

        async def connect(name: str, **settings) -> FhirServer:
            url = ready["upstreams"][name]["url"]
            config = FhirSource(id=name, url=url, serves=(), auth=auth, **settings)
            client = await stack.enter_async_context(open_client(config))
            return FhirServer(config, client)

        yield connect


async def patients_of(server: FhirServer) -> list[str]:
    return [row["id"] async for page in server.crawl("Patient") for row in page]


@pytest.mark.parametrize(
    ("outage", "state"),
    [
        ("refuse", "UNAVAILABLE"),
        ("reset", "UNAVAILABLE"),
        ("503", "UNAVAILABLE"),
        ("hang", "TIMEOUT"),
        ("html", "INVALID"),
        ("half", "UNAVAILABLE"),
        ("truncated", "INVALID"),
    ],
)
async def test_each_outage_has_its_state(outage, state, servers, calm_sandbox):
    server = await servers("ehr-a", timeout=0.5)
    patients = await patients_of(server)
    with (
        calm_sandbox.broken("ehr-a", outage=outage),
        pytest.raises(UpstreamError) as raised,
    ):
        await server.search_by("Condition", "patient", patients[:1])
    assert raised.value.state == state
    assert await server.search_by("Condition", "patient", patients[:1])


async def test_a_foreign_next_link_is_not_followed(servers, calm_sandbox):
    server = await servers("ehr-a", page_size=10)
    with (
        calm_sandbox.broken("ehr-a", outage="foreign-next"),
        pytest.raises(UpstreamError, match="another server"),
    ):
        await patients_of(server)


async def test_a_rate_limit_is_told(servers, calm_sandbox):
    server = await servers("ehr-a")
    await server.capabilities()
    limit = {"limit": 0, "retry_after": 60}
    with (
        calm_sandbox.broken("ehr-a", rate_limit=limit),
        pytest.raises(UpstreamError) as raised,
    ):
        await server.read("Patient", ["x"])
    assert (raised.value.state, raised.value.retry_after) == ("RATE_LIMITED", 60)


@pytest.mark.parametrize(
    ("faults", "bound"),
    [
        pytest.param({}, 5, id="OR lists and batches"),
        pytest.param({"multiple_or": False}, 5, id="batches"),
        pytest.param({"batch": False}, 8, id="OR lists"),
    ],
)
async def test_a_worklist_of_everyone_takes_at_most_eight_calls(
    faults, bound, servers, calm_sandbox
):
    for name in ("ehr-a", "ehr-b", "payer"):
        calm_sandbox.set_faults(name, **faults)
    ehrs = [await servers(name) for name in ("ehr-a", "ehr-b")]
    payer = await servers("payer")
    people = [await patients_of(server) for server in (*ehrs, payer)]
    today = calm_sandbox.ready["today"]
    asked = {
        "Observation": ({"code": A1C, "category": "laboratory"}, "-date"),
        "Appointment": ({"date": f"ge{today}", "status": "booked"}, "date"),
    }

    async def worklist():
        newest = [
            server.latest_by(type_, "patient", patients[:50], others, sort=sort)
            for server, patients in zip(ehrs, people, strict=False)
            for type_, (others, sort) in asked.items()
        ]
        covered = payer.search_by("Coverage", "patient", people[-1][:50])
        return await asyncio.gather(*newest, covered)

    await worklist()  # now each server's capabilities are known
    calm_sandbox.reset_calls()
    *newest, covered = await worklist()
    assert all(any(rows.values()) for rows in newest)
    assert len(covered) == 50
    calls = calm_sandbox.calls()
    assert sum(calls[name]["total"] for name in ("ehr-a", "ehr-b", "payer")) <= bound
