"""An operation of which a part is refused: filtered, or rejected whole, as the client wants it."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.bounds import OnDenial
from tests.gateway.support.subgraph import SUPERGRAPH

WHOLE = "query($id: ID!) { patient(id: $id) { id name ssn } weather }"
VARIABLES = {"id": "p-1"}
REGISTRY = """
clients:
  portal: {name: Portal, contact: them@example.org, on_denial: reject}
  reader: {name: Reader, contact: them@example.org}
"""


@pytest.fixture
def registry(tmp_path):
    (tmp_path / "clients.yaml").write_text(REGISTRY)
    return tmp_path / "clients.yaml"


async def post(gateway, issuer, query=WHOLE, extensions=None, variables=VARIABLES, **claims):
    body = {"query": query, "variables": variables}
    if extensions is not None:
        body["extensions"] = extensions
    token = issuer.token(**({"scope": "user/Patient.rs", "client_id": "portal"} | claims))
    return await gateway.post(body, token)


def asked(gateway):
    return gateway.records.documents + gateway.weather.documents


async def test_a_filtering_gateway_answers_the_rest(start, issuer):
    gateway = await start()
    reply = await post(gateway, issuer)
    assert reply.status == 200
    assert reply.json["data"]["patient"]["ssn"] is None
    assert reply.json["data"]["weather"] == "fine"
    (error,) = reply.json["errors"]
    assert error["path"] == ["patient", "ssn"]
    assert error["extensions"]["code"] == "SCOPE_REQUIRED"
    assert error["extensions"]["scopes"] == [["user/Patient.rs", "ssn"]]


async def test_a_rejecting_gateway_tells_every_denial_and_fetches_nothing(start, issuer):
    gateway = await start(on_denial="reject")
    reply = await post(
        gateway, issuer, "{ a: patient(id: 1) { ssn } b: patient(id: 2) { x: ssn } }"
    )
    assert reply.status == 403
    assert "data" not in reply.json
    assert [error["path"] for error in reply.json["errors"]] == [["a", "ssn"], ["b", "x"]]
    for error in reply.json["errors"]:
        assert error["extensions"]["code"] == "SCOPE_REQUIRED"
        assert error["extensions"]["scopes"] == [["user/Patient.rs", "ssn"]]
        assert error["extensions"]["mend"]
    assert asked(gateway) == []


async def test_what_is_permitted_whole_is_answered(start, issuer):
    gateway = await start(on_denial="reject")
    reply = await post(gateway, issuer, scope="user/Patient.rs ssn")
    assert reply.status == 200
    assert "errors" not in reply.json


@pytest.mark.parametrize(
    ("general", "client", "request_", "rejected"),
    [
        ("filter", "reader", None, False),
        ("reject", "reader", None, True),
        ("filter", "portal", None, True),
        ("filter", "portal", "filter", False),
        ("filter", "reader", "reject", True),
        ("reject", "reader", "filter", False),
    ],
)
async def test_the_request_wins_over_the_client_and_that_over_the_gateway(
    start, issuer, registry, general, client, request_, rejected
):
    gateway = await start(on_denial=general, clients=registry)
    extensions = {"onDenial": request_} if request_ else None
    reply = await post(gateway, issuer, extensions=extensions, client_id=client)
    assert (reply.status == 403) == rejected
    assert (asked(gateway) == []) == rejected


@pytest.mark.parametrize(("on", "status"), [(True, 403), (False, 200)])
async def test_what_the_variables_leave_out_rejects_nothing(start, issuer, on, status):
    gateway = await start(on_denial="reject")
    query = "query($id: ID!, $on: Boolean = false) { patient(id: $id) { ssn @include(if: $on) } }"
    assert (await post(gateway, issuer, query, variables={"id": "1", "on": on})).status == status
    assert (await post(gateway, issuer, query)).status == 200


@pytest.mark.parametrize("wanted", ["reject!", "REJECT", 1, True, [], {}])
async def test_another_wish_is_no_request(start, issuer, wanted):
    gateway = await start()
    reply = await post(gateway, issuer, extensions={"onDenial": wanted})
    assert (reply.status, reply.codes) == (400, ["BAD_REQUEST"])


async def test_a_rejection_is_written_down(start, issuer, tmp_path):
    gateway = await start(on_denial="reject")
    written = []
    trail = gateway.app.assembly.parts.trail
    commit = trail.commit

    async def noting(record):
        written.append(record)
        await commit(record)

    trail.commit = noting
    await post(gateway, issuer)
    (record,) = written
    assert record.denials == ("Patient.ssn",)
    assert record.codes == ("SCOPE_REQUIRED",)
    assert record.patients == ()


@pytest.mark.parametrize("accept", ["text/event-stream", "multipart/mixed"])
async def test_over_a_stream_it_is_the_same_refusal(start, issuer, accept):
    gateway = await start(on_denial="reject")
    token = issuer.token(scope="user/Patient.rs")
    body = json.dumps({"query": WHOLE, "variables": VARIABLES}).encode()
    async with asyncio.timeout(10):
        reply = await gateway.post(body, token, accept=accept)
    assert "SCOPE_REQUIRED" in reply.body.decode()
    assert '"data"' not in reply.body.decode()
    assert asked(gateway) == []


async def test_the_plan_view_shows_what_would_be_rejected(start, issuer):
    gateway = await start(on_denial="reject", closed=False)
    token = issuer.token(scope="user/Patient.rs")
    async with gateway.http.post(
        f"{gateway.url}/plan",
        json={"query": WHOLE, "variables": VARIABLES},
        headers={"authorization": f"Bearer {token}"},
    ) as response:
        assert response.status == 200
        assert [each["field"] for each in (await response.json())["denied"]] == ["patient.ssn"]


async def test_a_policy_that_is_lacking_is_named(start, issuer, tmp_path):
    supergraph = tmp_path / "ruled.graphql"
    field = "weather(at: String, days: Int): String"
    supergraph.write_text(
        SUPERGRAPH.replace(field, f'{field} @policy(policies: [["a", "b"], ["c"]])')
    )
    for mode in OnDenial:
        gateway = await start(supergraph=supergraph, on_denial=mode)
        (error,) = (await post(gateway, issuer, "{ weather }", variables={})).json["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["extensions"]["policies"] == [["a", "b"], ["c"]]


async def test_over_a_websocket_too(start, issuer):
    gateway = await start()
    address = gateway.url.replace("http", "ws") + "/graphql"
    authorization = f"Bearer {issuer.token(scope='user/Patient.rs')}"
    payload = {"query": WHOLE, "variables": VARIABLES, "extensions": {"onDenial": "reject"}}
    async with (
        asyncio.timeout(10),
        gateway.http.ws_connect(
            address,
            protocols=("graphql-transport-ws",),
            headers={"authorization": authorization},
        ) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
        answer = await socket.receive_json()
    assert answer["type"] == "error"
    assert [error["path"] for error in answer["payload"]] == [["patient", "ssn"]]
    assert asked(gateway) == []
