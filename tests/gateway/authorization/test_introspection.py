"""Tokens that only their issuer can read, and those it took back."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import ValidationError

from contract.errors import Code
from gateway.authorization.introspection import MAX_CALLS
from gateway.authorization.tokens import REFUSED_SECONDS, TokenVerifier
from gateway.errors import BusyError, IdentityError
from gateway.settings import Settings, SettingsError
from gateway.telemetry import Metrics
from gateway.trust import Introspection

OPAQUE = "2YotnFZFEjr1zCsicMWpAA"
KEY = ECKey.generate_key("P-384", {"kid": "ours", "alg": "ES384", "use": "sig"})


class Clock:
    offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(issuer, http, clock, tmp_path):
    (tmp_path / "key.jwk").write_text(json.dumps(KEY.as_dict(private=True)))
    (tmp_path / "secret").write_text("s3cret:& \n")

    def make_verifier(metrics=None, token_cache_seconds=60, **given):
        asked = {"client_id": "chartgraph", "key_file": tmp_path / "key.jwk"} | given
        settings = Settings(
            issuers=(issuer.settings(introspection=Introspection(**asked)),),
            token_cache_seconds=token_cache_seconds,
        )
        return TokenVerifier(settings, http, metrics or Metrics(), clock=clock)

    return make_verifier


@pytest.fixture
def verifier(make):
    return make()


def described(**changes):
    """As SMART's own example, with an audience."""
    answer = {
        "client_id": "07a89bd2-52ce-4576-8b85-71698efa8328",
        "scope": "patient/*.read openid fhirUser",
        "sub": "c91dfe96-731d-4e66-b4f9-01f8f8a4b7b2",
        "patient": "456",
        "encounter": "789",
        "fhirUser": "https://ehr.example.org/fhir/Patient/123",
        "exp": int(time.time()) + 300,
        "aud": "chartgraph",
        **changes,
    }
    return {name: value for name, value in answer.items() if value is not None}


async def refusal(verifier, token=OPAQUE):
    with pytest.raises(IdentityError) as raised:
        await verifier.verify(token)
    assert not token or token not in str(raised.value)
    return raised.value.code


async def test_reads_an_opaque_token(verifier, issuer):
    issuer.opaque[OPAQUE] = described()
    caller = (await verifier.verify(OPAQUE)).caller
    assert caller.subject == "c91dfe96-731d-4e66-b4f9-01f8f8a4b7b2"
    assert caller.issuer == issuer.url
    assert caller.client_id == "07a89bd2-52ce-4576-8b85-71698efa8328"
    assert caller.scopes == ("patient/*.read", "openid", "fhirUser")
    assert (caller.patient, caller.fhir_user) == ("ehr-a/456", "ehr-a/Patient/123")
    assert issuer.fetched == 0


async def test_proves_itself_with_a_key(verifier, issuer):
    issuer.opaque[OPAQUE] = described()
    await verifier.verify(OPAQUE)
    ((form, headers),) = issuer.introspected
    assert (form["token"], form["token_type_hint"]) == (OPAQUE, "access_token")
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assertion = jwt.decode(form["client_assertion"], KEY, algorithms=["ES384"])
    assert assertion.header["kid"] == "ours"
    claims = assertion.claims
    assert (claims["iss"], claims["sub"]) == ("chartgraph", "chartgraph")
    assert claims["aud"] == f"{issuer.url}/token"
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert "Authorization" not in headers


async def test_every_proof_is_another(make, issuer):
    verifier = make(assertion_audience="https://as.example")
    for token in ("one", "two"):
        issuer.opaque[token] = described()
        await verifier.verify(token)
    assertions = [
        jwt.decode(form["client_assertion"], KEY, algorithms=["ES384"]).claims
        for form, _ in issuer.introspected
    ]
    assert assertions[0]["jti"] != assertions[1]["jti"]
    assert assertions[0]["aud"] == "https://as.example"


async def test_proves_itself_with_a_secret(make, issuer, tmp_path):
    verifier = make(client_id="chart graph", client_secret_file=tmp_path / "secret", key_file=None)
    issuer.opaque[OPAQUE] = described()
    await verifier.verify(OPAQUE)
    ((form, headers),) = issuer.introspected
    assert "client_assertion" not in form
    # https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1: both are form-encoded first
    scheme, _, pair = headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(pair)) == ("Basic", b"chart+graph:s3cret%3A%26")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"active": False}, Code.TOKEN_INVALID, id="inactive"),
        pytest.param({"active": "true"}, Code.TOKEN_INVALID, id="active that is text"),
        pytest.param({"active": 1}, Code.TOKEN_INVALID, id="active that is a number"),
        pytest.param({"active": None}, Code.TOKEN_INVALID, id="active that is null"),
        pytest.param({"sub": None}, Code.TOKEN_INVALID, id="no subject"),
        pytest.param({"exp": None}, Code.TOKEN_INVALID, id="no end"),
        pytest.param({"exp": 1_000_000}, Code.TOKEN_EXPIRED, id="expired"),
        pytest.param({"nbf": 2**39}, Code.TOKEN_INVALID, id="not yet"),
        pytest.param({"aud": None}, Code.TOKEN_INVALID, id="no audience"),
        pytest.param({"aud": "another"}, Code.TOKEN_INVALID, id="another audience"),
        pytest.param({"iss": "https://evil.example"}, Code.TOKEN_INVALID, id="another issuer"),
        pytest.param({"typ": "Refresh"}, Code.TOKEN_INVALID, id="a refresh token"),
        pytest.param({"cnf": {"jkt": "x" * 43}}, Code.TOKEN_INVALID, id="bound by DPoP"),
    ],
)
async def test_refuses_what_it_hears(verifier, issuer, changes, code):
    issuer.introspection = lambda: web.json_response({"active": True, **described()} | changes)
    if any(value is None for value in changes.values()) and "active" not in changes:
        issuer.introspection = lambda: web.json_response({"active": True, **described(**changes)})
    assert await refusal(verifier) == code


async def test_an_audience_may_be_left_out_where_the_operator_says_so(make, issuer):
    verifier = make(require_audience=False)
    issuer.opaque |= {"silent": described(aud=None), "other": described(aud="another")}
    assert await verifier.verify("silent")
    assert await refusal(verifier, "other") == Code.TOKEN_INVALID


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: web.Response(status=500), id="500"),
        pytest.param(lambda: web.Response(status=401), id="our credentials are refused"),
        pytest.param(lambda: web.Response(text="<html>"), id="a page"),
        pytest.param(lambda: web.Response(text="[true]"), id="a list"),
        pytest.param(lambda: web.Response(body=b" " * 300_000), id="too much"),
        pytest.param(lambda: web.Response(text='{"active":true,"active":true}'), id="twice"),
        pytest.param(
            lambda: web.Response(status=302, headers={"location": "/elsewhere"}), id="a redirect"
        ),
        pytest.param(lambda: asyncio.Event().wait(), id="no answer"),
    ],
)
async def test_nothing_is_guessed_while_the_issuer_does_not_say(
    make, issuer, clock, monkeypatch, answer, request
):
    monkeypatch.setattr("gateway.authorization.issuer_http.TIMEOUT_SECONDS", 0.05)
    metrics = Metrics()
    verifier = make(metrics)
    issuer.opaque[OPAQUE] = described()
    issuer.introspection = answer
    for _ in range(3):
        with pytest.raises(BusyError) as raised:
            await verifier.verify(OPAQUE)
        assert raised.value.code is Code.ISSUER_UNAVAILABLE
    # Silence is waited for once; an answer that is bad may be this one token's fault.
    calls = 1 if "no answer" in request.node.callspec.id else 3
    assert len(issuer.introspected) == calls
    assert issuer.visited == []
    labels = {"issuer": issuer.url, "asked": "introspection"}
    assert metrics.registry.get_sample_value("chartgraph_issuer_failures_total", labels) == calls
    monkeypatch.undo()
    issuer.introspection = None
    clock.offset = 2
    assert await verifier.verify(OPAQUE)


async def test_a_revocation_is_seen_when_the_token_is_looked_at_again(verifier, issuer, clock):
    issuer.opaque[OPAQUE] = described()
    await verifier.verify(OPAQUE)
    issuer.revoked.add(OPAQUE)
    clock.offset = 59
    assert await verifier.verify(OPAQUE)
    assert len(issuer.introspected) == 1
    clock.offset = 61
    assert await refusal(verifier) == Code.TOKEN_INVALID


async def test_what_the_issuer_disowned_is_not_asked_again_at_once(verifier, issuer, clock):
    for _ in range(3):
        assert await refusal(verifier) == Code.TOKEN_INVALID
    assert len(issuer.introspected) == 1
    clock.offset = REFUSED_SECONDS + 1
    issuer.opaque[OPAQUE] = described()
    assert await verifier.verify(OPAQUE)


async def test_a_token_for_another_is_not_asked_about_again_at_once(verifier, issuer):
    issuer.opaque[OPAQUE] = described(aud="another")
    for _ in range(3):
        assert await refusal(verifier) == Code.TOKEN_INVALID
    assert len(issuer.introspected) == 1


async def test_there_are_never_too_many_questions_under_way(verifier, issuer, monkeypatch):
    monkeypatch.setattr("gateway.authorization.introspection.PATIENCE_SECONDS", 0.01)
    answered = asyncio.Event()

    async def slow():
        await answered.wait()

    issuer.introspection = slow
    tokens = [f"made-up-{number}" for number in range(MAX_CALLS + 3)]
    asking = [asyncio.create_task(verifier.verify(token)) for token in tokens]
    _, waiting = await asyncio.wait(asking, timeout=0.2)
    answered.set()
    issuer.introspection = None
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert len(waiting) == MAX_CALLS
    assert sum(isinstance(each, BusyError) for each in ended) >= 3


async def test_requests_with_one_token_share_a_question(verifier, issuer):
    issuer.opaque[OPAQUE] = described()
    callers = await asyncio.gather(*(verifier.verify(OPAQUE) for _ in range(20)))
    assert len({id(each.caller.subject) for each in callers}) == 1
    assert len(issuer.introspected) == 1


async def test_who_goes_away_takes_no_answer_from_the_others(verifier, issuer):
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slow():
        asked.set()
        await answered.wait()

    issuer.introspection = slow
    issuer.opaque[OPAQUE] = described()
    first, second = (asyncio.create_task(verifier.verify(OPAQUE)) for _ in range(2))
    await asked.wait()
    first.cancel()
    answered.set()
    assert (await second).caller
    assert first.cancelled()


@pytest.mark.parametrize(
    "token",
    ["eyJhbGciOiJkaXIifQ.AA.AA.AA.AA", "eyJhbGciOiJub25lIn0.e30.", "eyJ", "a b", "ä", "", "<x>"],
)
async def test_shows_the_issuer_nothing_that_is_no_token_of_its(verifier, issuer, token):
    assert await refusal(verifier, token) == Code.TOKEN_INVALID
    assert issuer.introspected == []


async def test_jwts_are_not_put_to_their_issuer_unless_asked(make, issuer):
    verifier = make()
    assert await verifier.verify(issuer.token())
    assert issuer.introspected == []


async def test_a_revoked_jwt_is_refused(make, issuer, clock):
    verifier = make(signed_tokens=True, opaque_tokens=False)
    token = issuer.token()
    assert await verifier.verify(token)
    issuer.revoked.add(token)
    clock.offset = 61
    assert await refusal(verifier, token) == Code.TOKEN_INVALID
    assert await refusal(verifier, OPAQUE) == Code.TOKEN_INVALID
    assert {form["token"] for form, _ in issuer.introspected} == {token}


async def test_an_issuer_without_keys_is_asked_whatever_its_tokens_look_like(
    issuer, http, tmp_path
):
    (tmp_path / "secret").write_text("s")
    asked = Introspection(client_id="chartgraph", client_secret_file=tmp_path / "secret")
    trusted = issuer.settings(publishes_keys=False, introspection=asked)
    verifier = TokenVerifier(Settings(issuers=(trusted,)), http, Metrics())
    assert verifier.ready
    token = issuer.token(sub="what-it-says-itself")
    issuer.opaque[token] = described()
    caller = (await verifier.verify(token)).caller
    assert caller.subject == described()["sub"]
    assert issuer.fetched == 0
    foreign = issuer.token(iss="https://evil.example")
    assert await refusal(verifier, foreign) == Code.TOKEN_INVALID
    assert len(issuer.introspected) == 1


async def test_a_forged_jwt_is_not_put_to_anyone(make, issuer):
    verifier = make(signed_tokens=True)
    assert await refusal(verifier, issuer.token(aud="another")) == Code.TOKEN_INVALID
    assert issuer.introspected == []


@pytest.mark.parametrize(
    "said",
    [
        {"sub": "somebody-else"},
        {"iss": "https://evil.example"},
        {"jti": "another"},
        {"cnf": {"x5t#S256": "x" * 43}},
    ],
)
async def test_a_jwt_of_which_its_issuer_says_something_else(make, issuer, said):
    verifier = make(signed_tokens=True)
    token = issuer.token()
    issuer.opaque[token] = said
    assert await refusal(verifier, token) == Code.TOKEN_INVALID


async def test_an_outage_refuses_jwts_that_have_to_be_confirmed(make, issuer):
    verifier = make(signed_tokens=True)
    issuer.introspection = lambda: web.Response(status=500)
    with pytest.raises(BusyError):
        await verifier.verify(issuer.token())


@pytest.mark.parametrize(
    "key",
    [
        "",
        "[]",
        "{}",
        json.dumps(KEY.as_dict(private=False)),
        json.dumps(ECKey.generate_key("P-256").as_dict(private=True)),
        json.dumps(OctKey.generate_key(256, {"alg": "HS256"}).as_dict(private=True)),
        json.dumps(RSAKey.generate_key(2048, {"alg": "HS256"}).as_dict(private=True)),
    ],
    ids=["nothing", "a list", "no key", "public", "without an id", "symmetric", "RSA for HMAC"],
)
def test_our_own_key_is_looked_at_when_we_start(make, tmp_path, key):
    (tmp_path / "bad.jwk").write_text(key)
    with pytest.raises(SettingsError, match=r"bad\.jwk"):
        make(key_file=tmp_path / "bad.jwk")
    with pytest.raises(SettingsError, match="cannot be read"):
        make(key_file=tmp_path / "absent.jwk")


@pytest.mark.parametrize("given", [{}, {"key_file": "a", "client_secret_file": "b"}])
def test_it_proves_itself_in_one_way(given):
    with pytest.raises(ValidationError, match="either"):
        Introspection(client_id="chartgraph", **given)


@pytest.mark.parametrize(
    "asked", [None, Introspection(client_id="c", key_file="k", opaque_tokens=False)]
)
def test_an_issuer_without_keys_has_to_be_asked(issuer, asked):
    with pytest.raises(ValidationError, match="without keys"):
        issuer.settings(publishes_keys=False, introspection=asked)


def test_an_issuer_is_named_once(issuer):
    with pytest.raises(ValidationError, match="twice"):
        Settings(issuers=(issuer.settings(), issuer.settings()))


def test_one_issuer_has_the_opaque_tokens(issuer):
    asked = Introspection(client_id="c", key_file="k")
    one = issuer.settings(introspection=asked)
    other = one.model_copy(update={"issuer": "https://other.example"})
    with pytest.raises(ValidationError, match="opaque_tokens"):
        Settings(issuers=(one, other))
