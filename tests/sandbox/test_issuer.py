"""Tokens, and when there are none. https://hl7.org/fhir/smart-app-launch/"""

import asyncio
import base64
import hashlib
import secrets
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from sandbox.httpserver import Request
from sandbox.issuer.clients import registered_clients
from sandbox.issuer.server import IssuerServer
from sandbox.issuer.tokens import TokenMint
from sandbox.personas import personas
from sandbox.wire import decode, encode

ISSUER = "http://127.0.0.1:9100"
CALLBACK = "http://127.0.0.1:4000/callback"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EC = ECKey.generate_key("P-384", auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
STRANGER = ECKey.generate_key("P-384", auto_kid=True)
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


class Issuer:
    def __init__(self):
        self.mint = TokenMint(ISSUER, ECKey.generate_key("P-256", auto_kid=True))
        keys = [key.as_dict(private=False) for key in (EC, RSA)]
        people = personas("p1", "d1")
        self.server = IssuerServer(self.mint, registered_clients({"keys": keys}), people)

    def ask(self, method, path, query="", body=b""):
        return asyncio.run(self.server.respond(Request(method, path, query, {}, body)))

    def get(self, path):
        return decode(self.ask("GET", path).body)

    def form(self, path, **form):
        answer = self.ask("POST", path, body=urlencode(form).encode())
        return answer.status, decode(answer.body)

    def claims(self, token):
        keys = KeySet.import_key_set(self.get("/jwks"))
        return jwt.decode(token, keys, algorithms=["ES256"])

    def system(self, assertion, scope="system/*.rs"):
        return self.form(
            "/token",
            grant_type="client_credentials",
            scope=scope,
            client_assertion_type=ASSERTION_TYPE,
            client_assertion=assertion,
        )

    def authorize(self, persona="patient", **changes):
        """The redirect's parameters, or the refusal."""
        query = {
            "response_type": "code",
            "client_id": "chartgraph-web",
            "redirect_uri": CALLBACK,
            "scope": "openid fhirUser launch/patient patient/*.rs",
            "state": "s1",
            "aud": "chartgraph",
            "code_challenge": CHALLENGE.decode(),
            "code_challenge_method": "S256",
            **changes,
        }
        text = urlencode({name: value for name, value in query.items() if value is not None})
        answer = self.ask("POST", "/authorize", text, urlencode({"persona": persona}).encode())
        location = dict(answer.headers).get("location")
        if location is None:
            return decode(answer.body)
        assert location.startswith(query["redirect_uri"])
        return dict(parse_qsl(urlsplit(location).query))

    def exchange(self, code, **changes):
        usual = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        form = {"grant_type": "authorization_code", "client_id": "chartgraph-web", **usual}
        return self.form("/token", **{**form, **changes})


@pytest.fixture
def issuer():
    return Issuer()


def assertion(key=EC, alg="ES384", **changes):
    claims = {
        "iss": "chartgraph",
        "sub": "chartgraph",
        "aud": f"{ISSUER}/token",
        "exp": int(time.time()) + 240,
        "jti": secrets.token_hex(8),
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid}, kept, key, algorithms=[alg])


# Backend services


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


@pytest.mark.parametrize("scope", ["", "patient/*.rs", "system/*", "system/*.", "system/*.sr x"])
def test_a_service_has_system_scopes_alone(issuer, scope):
    assert issuer.system(assertion(), scope)[1]["error"] == "invalid_scope"


# People


def test_a_person_signs_in(issuer):
    redirect = issuer.authorize()
    assert redirect["state"] == "s1"
    status, answer = issuer.exchange(redirect["code"])
    assert status == 200
    assert answer["patient"] == "p1"
    token = issuer.claims(answer["access_token"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims["aud"] == "chartgraph"
    assert token.claims["scope"] == "openid fhirUser launch/patient patient/*.rs"
    assert token.claims["client_id"] == "chartgraph-web"
    assert (token.claims["patient"], token.claims["fhirUser"]) == ("p1", "Patient/p1")
    assert issuer.claims(answer["id_token"]).claims["aud"] == "chartgraph-web"


def test_the_page_comes_first_and_loads_nothing(issuer):
    query = {
        "response_type": "code",
        "client_id": "chartgraph-web",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": '"><script>',
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
    }
    answer = issuer.ask("GET", "/authorize", urlencode(query))
    assert answer.content_type.startswith("text/html")
    assert b"privacy-officer" in answer.body
    for loading in (b"<script", b"src=", b"href=", b"url("):
        assert loading not in answer.body


def test_a_token_names_the_client_that_asked_whoever_signed_in(issuer):
    redirect = issuer.authorize("partner", scope="patient/Patient.rs")
    token = issuer.exchange(redirect["code"])[1]["access_token"]
    assert issuer.claims(token).claims["client_id"] == "chartgraph-web"


def test_a_scope_the_persona_lacks_is_not_granted(issuer):
    redirect = issuer.authorize("biller", scope="openid user/Coverage.rs user/Condition.rs")
    answer = issuer.exchange(redirect["code"])[1]
    assert answer["scope"] == "openid user/Coverage.rs"
    assert "patient" not in answer
    assert issuer.authorize("developer", scope="user/*.rs")["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"aud": "http://elsewhere.example"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_refuses_to_authorize(issuer, changes, error):
    assert issuer.authorize(**changes)["error"] == error


@pytest.mark.parametrize(
    "uri", ["https://evil.example/cb", "http://evil.example/cb", "http://127.0.0.1.evil.example/"]
)
def test_redirects_to_nobody_elsewhere(issuer, uri):
    answer = issuer.authorize(redirect_uri=uri)
    assert answer["error"] == "invalid_request"


def test_unknown_clients_and_services_sign_nobody_in(issuer):
    assert issuer.authorize(client_id="nobody")["error"] == "invalid_client"
    assert issuer.authorize(client_id="chartgraph")["error"] == "unauthorized_client"


def test_a_code_serves_once(issuer):
    code = issuer.authorize()["code"]
    assert issuer.exchange(code)[0] == 200
    assert issuer.exchange(code)[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:4000/other"}, "invalid_grant"),
        ({"client_id": "partner-app"}, "invalid_grant"),
        ({"client_id": "chartgraph"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_refuses_to_exchange(issuer, changes, error):
    code = issuer.authorize()["code"]
    status, answer = issuer.exchange(code, **changes)
    assert (status in (400, 401), answer["error"]) == (True, error)


def test_a_made_up_code_is_no_code(issuer):
    assert issuer.exchange("made-up")[1]["error"] == "invalid_grant"


def test_a_code_tried_with_the_wrong_verifier_is_spent(issuer):
    code = issuer.authorize()["code"]
    issuer.exchange(code, code_verifier="w" * 50)
    assert issuer.exchange(code)[1]["error"] == "invalid_grant"


def test_a_code_expires(issuer, monkeypatch):
    code = issuer.authorize()["code"]
    later = time.time() + 61
    monkeypatch.setattr("sandbox.issuer.grants.time.time", lambda: later)
    assert issuer.exchange(code)[1]["error"] == "invalid_grant"


# Both


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
    has_patient = name in ("patient", "partner")
    assert ("patient" in claims) is has_patient


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"persona": "nobody"}', b'{"persona": 1}'])
def test_there_is_no_token_for_nobody(issuer, body):
    assert issuer.ask("POST", "/persona-token", body=body).status == 400


def test_other_addresses_are_not_found(issuer):
    assert issuer.ask("GET", "/token").status == 404
    assert issuer.ask("GET", "/nothing").status == 404
