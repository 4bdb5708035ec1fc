"""Several writes as one: what is sent, and what is taken for an answer."""

from __future__ import annotations

import json

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.fhir.transaction import Create, Update, transact
from subgraphs.connectors.fhir.writing import NotConformingError, is_stale
from subgraphs.connectors.transport import open_client
from tests.subgraphs.connectors.fhir.test_writing import TOKEN, config

APPOINTMENT = {
    "resourceType": "Appointment",
    "status": "booked",
    "comment": PHI,
    "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
}
SLOT = {
    "resourceType": "Slot",
    "id": "s1",
    "status": "busy",
    "schedule": {"reference": "Schedule/d1"},
    "start": "2026-11-23T09:00:00Z",
    "end": "2026-11-23T09:30:00Z",
}
CHANGES = [Create(APPOINTMENT, TOKEN), Update(SLOT, "3")]


def answered(*resources) -> httpx2.Response:
    entries = [{"resource": each, "response": {"status": "200"}} for each in resources]
    bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
    return httpx2.Response(200, json=bundle)


GOOD = answered({**APPOINTMENT, "id": "a1"}, SLOT)


class TestTheContract(ConnectorContract):
    tries = 1

    def config(self):
        return config()

    def good(self):
        return GOOD

    async def ask(self, client):
        return await transact(client, CHANGES)


async def sent(answer=GOOD, changes=CHANGES):
    asked = []

    def network(request):
        asked.append(request)
        return answer

    async with open_client(config(), network=httpx2.MockTransport(network)) as client:
        return asked, await transact(client, changes)


async def test_a_create_carries_its_token_and_an_update_its_version():
    (request,), written = await sent()
    assert [each["id"] for each in written] == ["a1", "s1"]
    bundle = json.loads(request.content)
    assert (bundle["type"], str(request.url)) == ("transaction", config().url)
    create, update = bundle["entry"]
    token = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{TOKEN}"}
    assert create["resource"] == {**APPOINTMENT, "identifier": [token]}
    assert create["request"] == {
        "method": "POST",
        "url": "Appointment",
        "ifNoneExist": f"identifier=urn:ietf:rfc:3986|urn:uuid:{TOKEN}",
    }
    assert update == {
        "resource": SLOT,
        "request": {"method": "PUT", "url": "Slot/s1", "ifMatch": 'W/"3"'},
    }


async def test_what_is_no_valid_r4_is_not_sent():
    wrong = {**SLOT, "status": PHI}
    with pytest.raises(NotConformingError) as raised:
        await sent(changes=[CHANGES[0], Update({**wrong, "start": None}, "3")])
    assert PHI not in str(raised.value)


@pytest.mark.parametrize("status", [409, 412])
async def test_a_stale_one_is_told_as_such(status):
    with pytest.raises(Rejected) as raised:
        await sent(httpx2.Response(status, json={"resourceType": "OperationOutcome"}))
    assert is_stale(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        answered(SLOT),
        answered(SLOT, {**APPOINTMENT, "id": "a1"}),
        httpx2.Response(200, json={"resourceType": "Bundle", "type": "batch-response"}),
        httpx2.Response(200, json={"type": "transaction-response", "entry": [{"response": {}}]}),
    ],
)
async def test_refuses_what_does_not_answer_it(answer):
    with pytest.raises(ProtocolViolation):
        await sent(answer)
