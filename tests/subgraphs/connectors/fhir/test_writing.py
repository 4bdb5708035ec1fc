"""Writing to a FHIR server: once under each token, over no newer version, and only valid R4."""

from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import Scripted
from subgraphs.connectors.config import NoAuth, SmartBackend
from subgraphs.connectors.errors import ProtocolViolation, Rejected, UpstreamError
from subgraphs.connectors.fhir import writing
from subgraphs.connectors.fhir.server import FhirServer
from subgraphs.connectors.fhir.settings import FhirSource
from subgraphs.connectors.fhir.writing import NotConformingError, is_stale
from subgraphs.connectors.transport import open_client
from tests.subgraphs.connectors.fhir.ehr import BASE

TOKEN = "7f0c2b9e-5a43-4d57-9d0e-1d1f4fb0c5a1"
REQUEST = {
    "resourceType": "MedicationRequest",
    "status": "draft",
    "intent": "proposal",
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"text": PHI},
}


def config(**settings):
    return FhirSource(**{"id": "ehr-a", "url": BASE, "serves": ("medications",), **settings})


class _WritingContract(ConnectorContract):
    tries = 1

    def config(self):
        return config()

    def good(self):
        return httpx2.Response(200, json={**REQUEST, "id": "m1", "meta": {"versionId": "2"}})


class TestCreating(_WritingContract):
    async def ask(self, client):
        return await writing.create(client, REQUEST, TOKEN)


class TestUpdating(_WritingContract):
    async def ask(self, client):
        return await writing.update(client, {**REQUEST, "id": "m1"}, "1")


async def sent(do, answer):
    network = Scripted([answer])
    async with open_client(config(), network=network) as client:
        done = await do(FhirServer(config(), client))
    return done, network.requests


async def test_a_create_is_conditional_on_its_token():
    answer = httpx2.Response(201, json={**REQUEST, "id": "m1"})
    _, (request,) = await sent(lambda server: server.create(REQUEST, TOKEN), answer)
    assert request.headers["If-None-Exist"] == f"identifier=urn:ietf:rfc:3986|urn:uuid:{TOKEN}"
    assert f'"urn:uuid:{TOKEN}"'.encode() in request.content
    assert REQUEST.get("identifier") is None


@pytest.mark.parametrize("status", [409, 412])
async def test_an_update_names_its_version_and_is_told_of_a_newer_one(status):
    with pytest.raises(Rejected) as stale:
        await sent(
            lambda server: server.update({**REQUEST, "id": "m1"}, "3"), httpx2.Response(status)
        )
    assert is_stale(stale.value)
    answer = httpx2.Response(200, json={**REQUEST, "id": "m1"})
    _, (request,) = await sent(lambda server: server.update({**REQUEST, "id": "m1"}, "3"), answer)
    assert (request.method, request.headers["If-Match"]) == ("PUT", 'W/"3"')
    assert request.url.path.endswith("/MedicationRequest/m1")


@pytest.mark.parametrize(
    ("broken", "element"),
    [
        ({"status": 7}, "status"),
        ({"subject": PHI}, "subject"),
        ({"medicationCodeableConcept": None}, "medication"),
        ({"made-up": PHI}, "made-up"),
        ({"resourceType": "../Patient"}, "resourceType"),
    ],
)
async def test_nothing_invalid_leaves(broken, element):
    network = Scripted([httpx2.Response(500)])
    async with open_client(config(), network=network) as client:
        with pytest.raises(NotConformingError) as refused:
            await FhirServer(config(), client).create({**REQUEST, **broken}, TOKEN)
    assert network.requests == []
    assert any(element in path for path in refused.value.elements) or element == "medication"
    assert PHI not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [{**REQUEST}, {"resourceType": "OperationOutcome", "id": "x"}, {"resourceType": "Patient"}],
)
async def test_an_answer_that_is_not_the_resource(answer):
    with pytest.raises(ProtocolViolation):
        await sent(lambda server: server.create(REQUEST, TOKEN), httpx2.Response(201, json=answer))


async def test_what_a_server_gives_for_a_parameter_it_does_not_know_is_not_taken_for_ours():
    entry = [{"resource": {**REQUEST, "id": "other"}}]
    answer = httpx2.Response(200, json={"type": "searchset", "entry": entry})
    found, _ = await sent(lambda server: server.find_written("MedicationRequest", TOKEN), answer)
    assert found is None


@asynccontextmanager
async def writing_to(url, token_url=None, client_id="", key_file="", scope=""):
    auth = NoAuth()
    if token_url:
        auth = SmartBackend(
            token_url=token_url, client_id=client_id, key_file=Path(key_file), scope=scope
        )
    source = config(url=url, auth=auth, timeout=20)
    async with open_client(source) as client:
        yield FhirServer(source, client)


@pytest.fixture
def sandbox_server(calm_sandbox):
    ready = calm_sandbox.ready
    client = ready["client"]
    return lambda: writing_to(
        calm_sandbox.url("ehr-a"),
        ready["token_url"],
        client["client_id"],
        client["key_file"],
        "system/*.cruds",
    )


# Of nobody: whoever counts a patient's facts on the same server finds those that were there.
DRUG = {"resourceType": "Medication", "status": "active", "code": {"text": "test"}}


async def write_and_change(server):
    """Twice under one token, then changed, then changed from an old version."""
    token = str(uuid4())
    assert await server.find_written("Medication", token) is None
    first = await server.create(DRUG, token)
    second = await server.create(DRUG, token)
    found = await server.find_written("Medication", token)
    assert first["id"] == second["id"] == found["id"]
    changed = await server.update({**found, "status": "inactive"}, found["meta"]["versionId"])
    assert changed["status"] == "inactive"
    with pytest.raises(Rejected) as stale:
        await server.update(found, found["meta"]["versionId"])
    assert is_stale(stale.value)


async def test_over_http(sandbox_server):
    async with sandbox_server() as server:
        await write_and_change(server)


@pytest.mark.third_party
@pytest.mark.shared_data
async def test_on_a_server_nobody_here_wrote(sekmet):
    async with writing_to(
        sekmet.url, sekmet.token_url, sekmet.client_id, sekmet.key_file, "system/*.cruds"
    ) as server:
        await write_and_change(server)


@pytest.mark.third_party
@pytest.mark.shared_data
async def test_on_another_server_nobody_here_wrote(medplum):
    async with writing_to(medplum.url) as server:
        await write_and_change(server)


@pytest.mark.parametrize(("dies", "done"), [("before", False), ("after", True)])
async def test_a_server_that_dies_at_a_write(sandbox_server, calm_sandbox, dies, done):
    token = str(uuid4())
    async with sandbox_server() as server:
        with calm_sandbox.broken("ehr-a", dies=dies), pytest.raises(UpstreamError):
            await server.create(DRUG, token)
        found = await server.find_written("Medication", token)
        assert (found is not None) == done
        again = await server.create(DRUG, token)
        assert not found or again["id"] == found["id"]
