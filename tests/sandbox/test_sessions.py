"""Launches, refreshing and taking back. https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html"""

import time

import pytest

from sandbox.wire import decode, encode
from tests.sandbox.oauth import ASSERTION_TYPE, CALLBACK, CHALLENGE, assertion

OFFLINE = "openid launch/patient patient/*.rs offline_access"


def sign_in(issuer, persona="patient", **changes):
    status, answer = issuer.exchange(issuer.authorize(persona, **changes)["code"])
    assert status == 200
    return answer


def refresh(issuer, token, **changes):
    form = {"grant_type": "refresh_token", "client_id": "chartgraph-web", "refresh_token": token}
    return issuer.form("/token", **(form | changes))


def introspect(issuer, token):
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion()}
    return issuer.form("/introspect", token=token, **proof)[1]


def revoke(issuer, token, **form):
    return issuer.form("/revoke", token=token, **({"client_id": "chartgraph-web"} | form))


def launch(issuer, **context):
    answer = decode(issuer.ask("POST", "/launch", body=encode(context)).body)
    assert answer["iss"] == issuer.mint.issuer
    return answer["launch"]


def test_an_ehr_launch_brings_what_is_open_there(issuer):
    name = launch(issuer, patient="p9", encounter="e9")
    answer = sign_in(issuer, "clinician", scope="launch openid patient/*.rs", launch=name)
    assert (answer["patient"], answer["encounter"]) == ("p9", "e9")
    assert answer["scope"] == "launch openid patient/*.rs"
    claims = issuer.claims(answer["access_token"]).claims
    assert (claims["patient"], claims["encounter"]) == ("p9", "e9")
    assert claims["fhirUser"] == "Practitioner/d1"


def test_a_launch_serves_once_and_for_a_while(issuer, monkeypatch):
    name = launch(issuer, patient="p9")
    sign_in(issuer, "clinician", scope="launch openid", launch=name)
    again = issuer.authorize("clinician", scope="launch openid", launch=name)
    assert again["error"] == "invalid_request"
    assert issuer.authorize("clinician", launch="made-up")["error"] == "invalid_request"
    stale = launch(issuer, patient="p9")
    later = time.time() + 301
    monkeypatch.setattr("sandbox.issuer.sessions.time.time", lambda: later)
    redirect = issuer.authorize("clinician", scope="launch openid patient/*.rs", launch=stale)
    assert issuer.exchange(redirect["code"])[1]["scope"] == "openid"


def test_a_patient_opens_no_record_but_their_own(issuer):
    name = launch(issuer, patient="p9")
    assert sign_in(issuer, "patient", scope="launch patient/*.rs", launch=name)["patient"] == "p1"


def test_staff_choose_a_record_on_the_page_and_the_app_does_not(issuer):
    asked = {"scope": "launch/patient patient/Observation.rs openid"}
    assert sign_in(issuer, "clinician", **asked)["scope"] == "openid"
    opened = sign_in(issuer, "clinician", opened="p9", **asked)
    assert (opened["scope"], opened["patient"]) == (asked["scope"], "p9")
    assert sign_in(issuer, "patient", opened="p9", **asked)["patient"] == "p1"
    assert "patient" not in sign_in(issuer, "clinician", opened="../p9", **asked)


def test_the_page_may_be_asked_for_by_post(issuer):
    form = (
        "response_type=code&client_id=chartgraph-web&scope=openid&code_challenge_method=S256"
        f"&redirect_uri={CALLBACK}&code_challenge={CHALLENGE.decode()}&patient=p9"
    )
    answer = issuer.ask("POST", "/authorize", body=form.encode())
    assert answer.content_type.startswith("text/html")
    assert b"code_challenge=" in answer.body
    assert b"p9" not in answer.body


def test_a_parameter_comes_once(issuer):
    query = "response_type=code&response_type=token&client_id=chartgraph-web"
    assert decode(issuer.ask("GET", "/authorize", query).body)["error"] == "invalid_request"
    body = b"grant_type=refresh_token&grant_type=refresh_token"
    assert decode(issuer.ask("POST", "/token", body=body).body)["error"] == "invalid_request"


def test_an_id_token_is_for_the_client_with_its_nonce(issuer):
    token = issuer.claims(sign_in(issuer, nonce="n-1")["id_token"])
    assert (token.header["alg"], token.header["typ"]) == ("RS256", "JWT")
    assert (token.claims["aud"], token.claims["nonce"]) == ("chartgraph-web", "n-1")
    assert token.claims["fhirUser"] == "Patient/p1"


@pytest.mark.parametrize(
    ("scope", "refreshed"),
    [("openid", False), ("openid offline_access", True), ("openid online_access", True)],
)
def test_a_refresh_token_is_for_who_asks(issuer, scope, refreshed):
    assert ("refresh_token" in sign_in(issuer, scope=scope)) is refreshed


def test_a_refresh_brings_the_next(issuer):
    first = sign_in(issuer, scope=OFFLINE)
    status, second = refresh(issuer, first["refresh_token"])
    assert (status, second["scope"], second["patient"]) == (200, OFFLINE, "p1")
    assert second["refresh_token"] != first["refresh_token"]
    assert refresh(issuer, second["refresh_token"])[0] == 200


def test_a_spent_refresh_token_ends_the_session(issuer):
    first = sign_in(issuer, scope=OFFLINE)
    second = refresh(issuer, first["refresh_token"])[1]
    assert introspect(issuer, second["access_token"])["active"]
    assert refresh(issuer, first["refresh_token"])[1]["error"] == "invalid_grant"
    assert refresh(issuer, second["refresh_token"])[1]["error"] == "invalid_grant"
    for token in (first["access_token"], second["access_token"]):
        assert introspect(issuer, token) == {"active": False}


def test_a_spent_code_ends_the_session_it_began(issuer):
    code = issuer.authorize(scope=OFFLINE)["code"]
    answer = issuer.exchange(code)[1]
    assert issuer.exchange(code)[1]["error"] == "invalid_grant"
    assert introspect(issuer, answer["access_token"]) == {"active": False}
    assert refresh(issuer, answer["refresh_token"])[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": f"{OFFLINE} user/*.rs"}, "invalid_scope"),
        ({"client_id": "partner-app"}, "invalid_grant"),
        ({"client_id": "chartgraph"}, "invalid_client"),
        ({"refresh_token": "made-up"}, "invalid_grant"),
    ],
)
def test_refuses_to_refresh(issuer, changes, error):
    token = sign_in(issuer, scope=OFFLINE)["refresh_token"]
    assert refresh(issuer, token, **changes)[1]["error"] == error


def test_a_refresh_may_ask_for_less(issuer):
    token = sign_in(issuer, scope=OFFLINE)["refresh_token"]
    assert refresh(issuer, token, scope="patient/*.rs")[1]["scope"] == "patient/*.rs"


def test_an_online_session_is_over_within_the_hour(issuer, monkeypatch):
    online = sign_in(issuer, scope="openid online_access")["refresh_token"]
    offline = sign_in(issuer, scope=OFFLINE)["refresh_token"]
    later = time.time() + 3601
    monkeypatch.setattr("sandbox.issuer.sessions.time.time", lambda: later)
    assert refresh(issuer, online)[1]["error"] == "invalid_grant"
    assert refresh(issuer, offline)[0] == 200


def test_an_access_token_is_revoked_alone(issuer):
    answer = sign_in(issuer, scope=OFFLINE)
    assert revoke(issuer, answer["access_token"]) == (200, {})
    assert introspect(issuer, answer["access_token"]) == {"active": False}
    assert refresh(issuer, answer["refresh_token"])[0] == 200


def test_with_a_refresh_token_the_session_is_revoked(issuer):
    answer = sign_in(issuer, scope=OFFLINE)
    assert revoke(issuer, answer["refresh_token"], token_type_hint="refresh_token")[0] == 200
    assert introspect(issuer, answer["access_token"]) == {"active": False}
    assert refresh(issuer, answer["refresh_token"])[1]["error"] == "invalid_grant"
    # https://www.rfc-editor.org/rfc/rfc7009#section-2.2
    assert revoke(issuer, "made-up")[0] == 200


def test_a_token_is_revoked_by_its_own_client(issuer):
    answer = sign_in(issuer, scope=OFFLINE)
    status, refused = revoke(issuer, answer["access_token"], client_id="partner-app")
    assert (status, refused["error"]) == (400, "invalid_grant")
    assert introspect(issuer, answer["access_token"])["active"]
    assert issuer.form("/revoke", token="x")[1]["error"] == "invalid_client"


def test_a_service_takes_its_token_back(issuer):
    token = issuer.system(assertion())[1]["access_token"]
    assert issuer.mint.verify_upstream(token)
    proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion()}
    assert issuer.form("/revoke", token=token, **proof)[0] == 200
    assert issuer.mint.verify_upstream(token) is None


def test_a_handle_says_nothing_by_itself(issuer):
    issuer.mint.opaque = True
    answer = sign_in(issuer, scope=OFFLINE)
    assert "." not in answer["access_token"]
    known = introspect(issuer, answer["access_token"])
    assert (known["active"], known["patient"], known["scope"]) == (True, "p1", OFFLINE)
    assert {"exp", "client_id", "sub", "iss", "fhirUser"} <= known.keys()
    revoke(issuer, answer["access_token"])
    assert introspect(issuer, answer["access_token"]) == {"active": False}


def test_a_service_may_ask_with_its_token(issuer):
    token = issuer.system(assertion())[1]["access_token"]
    person = sign_in(issuer)["access_token"]
    for bearer, status in ((token, 200), (person, 400), ("x", 400)):
        headers = {"authorization": f"Bearer {bearer}"}
        answer = issuer.ask("POST", "/introspect", "", f"token={person}".encode(), headers)
        assert answer.status == status


def test_says_what_it_can_do(issuer):
    smart = issuer.get("/.well-known/smart-configuration")
    assert {"launch-ehr", "launch-standalone", "permission-v1", "permission-v2"} <= set(
        smart["capabilities"]
    )
    assert "plain" not in smart["code_challenge_methods_supported"]
    assert smart["revocation_endpoint"].endswith("/revoke")
    openid = issuer.get("/.well-known/openid-configuration")
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]
