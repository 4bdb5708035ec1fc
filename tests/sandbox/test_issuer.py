"""Tokens for services, and what holds of all tokens. https://hl7.org/fhir/smart-app-launch/"""

import time

import pytest

from sandbox.personas import personas
from sandbox.wire import decode, encode
from tests.sandbox.oauth import ASSERTION_TYPE, EC, ISSUER, RSA, STRANGER, Issuer, assertion


@pytest.mark.parametrize(("key", "alg"), [(EC, "ES384"), (RSA, "RS384")])
def test_a_service_gets_a_token_for_its_signature(issuer, key, alg):
    status, answer = issuer.system(assertion(key, alg))
    assert (status, answer["expires_in"], answer["scope"]) == (200, 300, "system/*.rs")
    grant = issuer.mint.verify_upstream(answer["access_token"])
    assert (grant.client_id, grant.scopes) == ("chartgraph", ("system/*.rs",))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: assertion(aud="http://elsewhere.example/token"), id="wrong audience"),
        pytest.param(lambda: assertion(aud=ISSUER), id="the issuer is not the token endpoint"),
        pytest.param(lambda: assertion(exp=int(time.time()) - 60), id="expired"),
        pytest.param(lambda: assertion(exp=int(time.time()) + 3600), id="lives too long"),
        pytest.param(lambda: assertion(exp=None), id="no expiry"),
        pytest.param(lambda: assertion(jti=None), id="no jti"),
        pytest.param(lambda: assertion(STRANGER), id="an unknown key"),
        pytest.param(lambda: assertion(RSA, "RS256"), id="RS256"),
        pytest.param(lambda: assertion(iss="someone"), id="issuer is not subject"),
        pytest.param(lambda: assertion(iss="x", sub="x"), id="an unknown client"),
        pytest.param(
            lambda: assertion(iss="chartgraph-web", sub="chartgraph-web"), id="a public client"
        ),
        pytest.param(lambda: "a.b.c", id="no JWT"),
        pytest.param(lambda: "", id="nothing"),
    ],
)
def test_refuses_an_assertion(issuer, make):
    status, answer = issuer.system(make())
    assert (status, answer["error"]) in [(400, "invalid_client"), (401, "invalid_client")]


def test_an_assertion_serves_once(issuer):
    once = assertion()
    assert issuer.system(once)[0] == 200
    assert issuer.system(once)[1]["error"] == "invalid_client"


@pytest.mark.parametrize(
    "scope", ["", "patient/*.rs", "system/*", "system/*.", "system/*.sr x", "system/*.rs?a=b"]
)
def test_a_service_has_system_scopes_alone(issuer, scope):
    assert issuer.system(assertion(), scope)[1]["error"] == "invalid_scope"


def test_a_persons_token_opens_no_upstream(issuer):
    token = issuer.mint.for_persona(personas("p1", "d1")["clinician"])
    assert issuer.mint.verify_upstream(token) is None


def test_an_upstream_takes_only_what_we_signed_and_has_not_expired(issuer, monkeypatch):
    other = Issuer().mint.for_client("chartgraph", "system/*.rs")
    assert issuer.mint.verify_upstream(other) is None
    assert issuer.mint.verify_upstream("a.b.c") is None
    own = issuer.mint.for_client("chartgraph", "system/*.rs")
    assert issuer.mint.verify_upstream(own) is not None
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    assert issuer.mint.verify_upstream(own) is None


def test_introspection_is_for_those_who_prove_who_they_are(issuer):
    token = issuer.mint.for_persona(personas("p1", "d1")["patient"])
    proof = {"client_assertion_type": ASSERTION_TYPE}
    status, answer = issuer.form("/introspect", token=token, client_assertion=assertion(), **proof)
    assert (status, answer["active"], answer["patient"]) == (200, True, "p1")
    assert {"scope", "client_id", "exp", "sub", "iss"} <= answer.keys()
    for other in ("", "a.b.c"):
        answer = issuer.form("/introspect", token=other, client_assertion=assertion(), **proof)
        assert answer == (200, {"active": False})
    assert issuer.form("/introspect", token=token)[1]["error"] == "invalid_client"


@pytest.mark.parametrize("name", ["openid-configuration", "smart-configuration"])
def test_discovery(issuer, name):
    found = issuer.get(f"/.well-known/{name}")
    assert found["issuer"] == ISSUER
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "plain" not in str(found)
    assert all(found[key].startswith(ISSUER) for key in found if key.endswith(("_uri", "endpoint")))


def test_the_published_keys_are_public(issuer):
    assert all("d" not in key and key["kid"] for key in issuer.get("/jwks")["keys"])


@pytest.mark.parametrize("name", sorted(personas("p1", "d1")))
def test_every_persona_has_a_token_for_the_asking(issuer, name):
    answer = decode(issuer.ask("POST", "/persona-token", body=encode({"persona": name})).body)
    claims = issuer.claims(answer["access_token"]).claims
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["aud"] == "chartgraph"
    assert {"iss", "sub", "client_id", "scope", "roles", "purpose", "jti"} <= claims.keys()
    has_patient = name in ("patient", "partner", "guardian")
    assert ("patient" in claims) is has_patient


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"persona": "nobody"}', b'{"persona": 1}'])
def test_there_is_no_token_for_nobody(issuer, body):
    assert issuer.ask("POST", "/persona-token", body=body).status == 400


def test_other_addresses_are_not_found(issuer):
    assert issuer.ask("GET", "/token").status == 404
    assert issuer.ask("GET", "/nothing").status == 404
