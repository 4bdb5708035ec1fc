"""Policies and roles read anew while the gateway serves: taken at once if good, never if bad."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from schema import POLICIES
from tests.gateway.support.subgraph import SUPERGRAPH

_FIELD = "weather(at: String, days: Int): String"
RULED = SUPERGRAPH.replace(_FIELD, f'{_FIELD} @policy(policies: [["identity-steward"]])')
FOR_NURSES = """
@id("nurses-too")
@description("Nurses may, for the time being.")
permit (principal in Role::"nurse", action == Action::"identity-steward", resource);
"""


@pytest.fixture
async def gateway(start, issuer, tmp_path):
    folder = shutil.copytree(POLICIES, tmp_path / "access")
    supergraph = tmp_path / "ruled.graphql"
    supergraph.write_text(RULED)
    issuers = (issuer.settings(roles=folder / "roles.yaml"),)
    gateway = await start(supergraph=supergraph, policies=folder, issuers=issuers)
    gateway.folder = folder
    return gateway


async def denied(gateway, issuer, **claims):
    reply = await gateway.ask("{ weather }", issuer.token(**({"roles": ["nurse"]} | claims)))
    return [error["extensions"]["code"] for error in reply.get("errors", [])]


async def state(gateway):
    async with gateway.http.get(f"{gateway.url}/ready") as response:
        return response.status, (await response.json())["reload"]


async def test_policies_are_taken_with_all_that_was_decided_by_older_ones(gateway, issuer):
    assert await denied(gateway, issuer) == ["FORBIDDEN"]
    (gateway.folder / "nurses.cedar").write_text(FOR_NURSES)
    await gateway.app.reload()
    assert await denied(gateway, issuer) == []
    (gateway.folder / "nurses.cedar").unlink()
    await gateway.app.reload()
    assert await denied(gateway, issuer) == ["FORBIDDEN"]


async def test_bad_policies_change_nothing_and_are_told(gateway, issuer, capsys):
    (gateway.folder / "nurses.cedar").write_text(FOR_NURSES)
    await gateway.app.reload()
    (gateway.folder / "nurses.cedar").write_text(FOR_NURSES.replace("nurse", "nrse"))
    await gateway.app.reload()
    assert await denied(gateway, issuer) == []
    assert await state(gateway) == (200, "refused")
    assert "nurses.cedar:2" in capsys.readouterr().err
    async with gateway.http.get(f"{gateway.url}/metrics") as response:
        assert "chartgraph_reload_refused 1.0" in await response.text()
    (gateway.folder / "nurses.cedar").unlink()
    await gateway.app.reload()
    assert await state(gateway) == (200, "taken")
    assert await denied(gateway, issuer) == ["FORBIDDEN"]


async def test_roles_are_taken_for_tokens_that_are_known(gateway, issuer):
    token = issuer.token(roles=["stewards"])

    async def codes():
        reply = await gateway.ask("{ weather }", token)
        return [error["extensions"]["code"] for error in reply.get("errors", [])]

    assert await codes() == ["FORBIDDEN"]
    path = gateway.folder / "roles.yaml"
    good = path.read_text()
    path.write_text(good.replace("identity-steward: {", "identity-steward: {words: [stewards], "))
    await gateway.app.reload()
    assert await codes() == []
    path.write_text(good.replace("nurse:", "nrse:"))
    await gateway.app.reload()
    assert await codes() == []
    assert await state(gateway) == (200, "refused")


async def test_a_purpose_that_is_not_the_callers_ends_the_request(gateway, issuer):
    token = issuer.token(roles=["nurse"], purpose_of_use="HRESCH")
    reply = await gateway.post({"query": "{ weather }"}, token)
    assert (reply.status, reply.codes) == (403, ["PURPOSE_NOT_PERMITTED"])


async def test_a_policy_of_the_supergraph_that_nobody_can_meet_is_told(
    start, issuer, tmp_path, capsys
):
    supergraph = tmp_path / "ruled.graphql"
    supergraph.write_text(RULED.replace('"identity-steward"', '"may-guess"'))
    gateway = await start(supergraph=supergraph, policies=POLICIES)
    assert "no policy permits may-guess" in capsys.readouterr().err
    assert await denied(gateway, issuer, roles=["identity-steward"]) == ["FORBIDDEN"]


async def test_a_subscription_ends_with_the_policies_it_was_decided_by(gateway, issuer):
    """So no event is told by a decision that is no longer held."""
    query = 'subscription { patientChanged(id: "p-1") { name } }'
    listening = asyncio.create_task(
        gateway.post({"query": query}, issuer.token(), accept="text/event-stream")
    )
    async with asyncio.timeout(10):
        while not gateway.records.listening:  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0.005)
        (gateway.folder / "nurses.cedar").write_text(FOR_NURSES)
        await gateway.app.reload()
        reply = await listening
    assert "SCHEMA_CHANGED" in reply.body.decode().rpartition("event: next")[2]
    assert gateway.records.listening == 0
