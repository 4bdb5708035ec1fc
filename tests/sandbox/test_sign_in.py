"""People sign in: authorization code with PKCE. https://hl7.org/fhir/smart-app-launch/app-launch.html"""

import time
from urllib.parse import urlencode

import pytest

from tests.sandbox.oauth import CALLBACK, CHALLENGE


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
    monkeypatch.setattr("sandbox.issuer.sessions.time.time", lambda: later)
    assert issuer.exchange(code)[1]["error"] == "invalid_grant"
