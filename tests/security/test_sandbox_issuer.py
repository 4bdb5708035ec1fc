"""The gateway's verifier and the sandbox's issuer, over HTTP: what one does wrong, one sees."""

from __future__ import annotations

import json
import time

import pytest
from aiohttp import ClientSession

from contract.errors import Code
from gateway.authorization.roles import read_role_maps
from gateway.authorization.tokens import TokenVerifier
from gateway.errors import BusyError, IdentityError
from gateway.settings import Settings
from gateway.telemetry import Metrics
from gateway.trust import Introspection
from gateway.trust import Issuer as Trusted
from sandbox.issuer.misdeeds import Misdeed
from sandbox.issuer.tokens import GATEWAY_AUDIENCE
from sandbox.personas import personas
from sandbox.upstream import Upstream
from schema import ROLES
from tests.sandbox.oauth import EC, Issuer

NO_KEYS = {Misdeed.FOREIGN_ISSUER, Misdeed.FOREIGN_KEYS, Misdeed.NO_KEYS, Misdeed.PRIVATE_KEYS}
# A lie about tokens it is asked about, which are good in every other way.
HARMLESS = {Misdeed.NONE, Misdeed.EVERYTHING_ACTIVE}
PEOPLE = personas("p1", "d1")


@pytest.fixture
async def issuer():
    upstream = Upstream("issuer")
    await upstream.open(0)
    issuer = Issuer(upstream.url)
    upstream.mount(issuer.server)
    yield issuer
    await upstream.close()


@pytest.fixture
async def http():
    async with ClientSession() as session:
        yield session


class Clock:
    offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@pytest.fixture
def make(issuer, http, tmp_path):
    key = tmp_path / "key.jwk"
    key.write_text(json.dumps(EC.as_dict(private=True) | {"alg": "ES384"}))

    def make_verifier(clock=None, *, token_cache_seconds=60, **given):
        asked = Introspection(client_id="chartgraph", key_file=key, **given)
        trusted = Trusted(
            issuer=issuer.mint.issuer,
            audience={GATEWAY_AUDIENCE},
            patient_source="ehr-a",
            roles=ROLES,
            typed_only=True,
            introspection=asked,
        )
        clock = clock or Clock()
        settings = Settings(issuers=(trusted,), token_cache_seconds=token_cache_seconds)
        roles = read_role_maps(settings.issuers)
        verifier = TokenVerifier(settings, http, Metrics(), clock=clock, roles=roles)
        for keys in verifier._keys.values():
            keys._clock = clock
        return verifier

    return make_verifier


async def refusal(verifier, token) -> Code:
    with pytest.raises((IdentityError, BusyError)) as raised:
        await verifier.verify(token)
    return raised.value.code


@pytest.mark.parametrize("misdeed", Misdeed)
async def test_what_it_does_wrong_is_seen(make, issuer, misdeed):
    issuer.mint.misdeed = misdeed
    token = issuer.mint.for_persona(PEOPLE["clinician"])
    verifier = make()
    if misdeed in HARMLESS:
        assert (await verifier.verify(token)).caller.roles == ("clinician",)
    elif misdeed in NO_KEYS:
        assert await refusal(verifier, token) == Code.ISSUER_UNAVAILABLE
    else:
        expired = misdeed is Misdeed.EXPIRED
        expected = Code.TOKEN_EXPIRED if expired else Code.TOKEN_INVALID
        assert await refusal(verifier, token) == expected


@pytest.mark.parametrize("name", sorted(PEOPLE))
@pytest.mark.parametrize("opaque", [False, True])
async def test_every_persona_is_known_by_both_kinds_of_token(make, issuer, name, opaque):
    issuer.mint.opaque = opaque
    persona = PEOPLE[name]
    caller = (await make().verify(issuer.mint.for_persona(persona))).caller
    assert (caller.subject, caller.roles) == (persona.subject, persona.roles)
    assert caller.scopes == persona.scopes
    assert caller.patient == (f"ehr-a/{persona.patient}" if persona.patient else None)
    assert caller.purpose == persona.purpose


@pytest.mark.parametrize("opaque", [False, True])
async def test_a_revocation_arrives(make, issuer, http, opaque):
    issuer.mint.opaque = opaque
    verifier = make(signed_tokens=True, token_cache_seconds=0)
    token = issuer.mint.for_persona(PEOPLE["clinician"])
    assert await verifier.verify(token)
    form = {"token": token, "client_id": "chartgraph-web"}
    async with http.post(f"{issuer.mint.issuer}/revoke", data=form) as answer:
        assert answer.status == 200
    assert await refusal(verifier, token) == Code.TOKEN_INVALID


async def test_a_made_up_handle_is_none_whatever_the_issuer_says(make, issuer):
    issuer.mint.misdeed = Misdeed.EVERYTHING_ACTIVE
    assert await refusal(make(), "made-up") == Code.TOKEN_INVALID


async def test_a_refresh_token_is_no_access_token(make, issuer):
    issuer.mint.opaque = True
    code = issuer.authorize(scope="openid offline_access")["code"]
    answer = issuer.exchange(code)[1]
    assert await make().verify(answer["access_token"])
    assert await refusal(make(), answer["refresh_token"]) == Code.TOKEN_INVALID
    assert await refusal(make(), answer["id_token"]) == Code.TOKEN_INVALID


async def test_keys_are_rotated_and_withdrawn(make, issuer):
    clock = Clock()
    verifier = make(clock)
    old = issuer.mint.for_persona(PEOPLE["clinician"])
    assert await verifier.verify(old)
    issuer.mint.rotate(withdraw=False)
    clock.offset = 61
    assert await verifier.verify(issuer.mint.for_persona(PEOPLE["biller"]))
    assert await verifier.verify(old)
    issuer.mint.rotate(withdraw=True)
    clock.offset = 130
    assert await verifier.verify(issuer.mint.for_persona(PEOPLE["biller"]))
    assert await refusal(verifier, old) == Code.TOKEN_INVALID


async def test_a_bound_token_needs_its_certificate(make, issuer):
    token = issuer.mint.for_persona(PEOPLE["clinician"], certificate="t" * 43)
    verifier = make()
    assert await refusal(verifier, token) == Code.TOKEN_INVALID
    assert await verifier.verify(token, "t" * 43)


async def test_a_services_token_is_not_for_the_gateway(make, issuer):
    token = issuer.mint.for_client("chartgraph", "system/*.rs")
    assert await refusal(make(), token) == Code.TOKEN_INVALID


async def test_the_control_panel_can_mislead(sandbox, http):
    address = f"{sandbox.ready['control']}/issuer"

    async def set_issuer(**change):
        async with http.post(address, json=change) as answer:
            return answer.status, await answer.json()

    try:
        assert (await set_issuer(misdeed="unsigned"))[1]["misdeed"] == "unsigned"
        assert sandbox.persona_token("clinician").endswith(".")
        assert (await set_issuer(misdeed="none", opaque=True))[1]["opaque"] is True
        assert "." not in sandbox.persona_token("clinician")
        for bad in ({"misdeed": "murder"}, {"keys": "eat"}, {"x": 1}):
            assert (await set_issuer(**bad))[0] == 422
    finally:
        sandbox.reset_faults()
    async with http.get(address) as answer:
        assert (await answer.json())["misdeed"] == "none"
    assert sandbox.persona_token("clinician").count(".") == 2
