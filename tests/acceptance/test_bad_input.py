"""What goes wrong is told by its own code, with a way to mend it, and nothing of any record."""

from __future__ import annotations

import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from contract.errors import MEANINGS, Code

SUMMARY = (
    "query($id: ID!) { patient(id: $id) { name { text }"
    " conditions { nodes { code { text } } sources { source state } } } }"
)


def codes(answer):
    return [error["extensions"]["code"] for error in answer["errors"]]


def test_malformed_json(demo):
    for body in (b"{", b"\xff", b'"x"', b"7", b"null", b"[" * 50_000):
        answer = demo.http.post(
            f"{demo.gateway}/graphql", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400
        assert codes(answer.json()) == [Code.BAD_REQUEST]


def test_an_unknown_field(demo):
    answer = demo.post({"query": "{ patients { nodes { shoeSize } } }"})
    assert answer.status_code in (200, 400)
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == Code.GRAPHQL_VALIDATION_FAILED
    assert error["extensions"]["mend"] == MEANINGS[Code.GRAPHQL_VALIDATION_FAILED].mend
    assert error["locations"] == [{"line": 1, "column": 22}]
    assert "shoeSize" in error["message"]


@pytest.mark.parametrize("id_", ["nobody", "", "a" * 500, "名前", "../../etc/passwd"])
def test_an_unknown_patient(demo, id_):
    assert demo.ask(SUMMARY, {"id": id_}) == {"data": {"patient": None}}


def test_another_record_s_id_is_no_patient_id(demo):
    query = "{ patients(first: 20) { nodes { conditions { nodes { id } } } } }"
    people = demo.ask(query)["data"]["patients"]["nodes"]
    condition = next(node["id"] for each in people for node in each["conditions"]["nodes"])
    assert demo.ask(SUMMARY, {"id": condition}) == {"data": {"patient": None}}


def test_what_a_mutation_cannot_take_is_told_as_data(demo):
    """Without an error: whoever sends it finds it among the ways in which it can come out."""
    (patient, *_) = demo.patients(first=1)
    given = {"idempotencyKey": "k", "patient": patient["id"], "slot": "nowhere"}
    answer = demo.run("book-appointment", input=given)
    assert answer["data"]["bookAppointment"]["code"] == Code.NOT_FOUND
    answer = demo.run("book-appointment", input=given | {"idempotencyKey": ""})
    outcome = answer["data"]["bookAppointment"]
    assert (outcome["code"], outcome["argument"]) == (Code.BAD_USER_INPUT, "idempotencyKey")
    assert "errors" not in answer


def ask_with(demo, token):
    return demo.http.post(
        f"{demo.gateway}/graphql",
        json={"query": "{ me { subject } }"},
        headers={"authorization": f"Bearer {token}"},
    )


def test_no_token(demo):
    answer = demo.post({"query": "{ me { subject } }"}, persona=None)
    assert answer.status_code == 401
    assert codes(answer.json()) == [Code.UNAUTHENTICATED]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_forged_token(demo):
    genuine = demo.sandbox.persona_token("clinician")
    header, claims, _ = genuine.split(".")
    key = ECKey.generate_key("P-256", {"kid": "forged"})
    forged = jwt.encode({"alg": "ES256", "kid": "forged"}, {"sub": "x"}, key)
    for token in (
        forged,
        f"{header}.{claims}.",
        f"{header}.{claims}.AAAA",
        "nonsense",
        genuine[:-4],
    ):
        answer = ask_with(demo, token)
        assert answer.status_code == 401
        assert codes(answer.json()) == [Code.TOKEN_INVALID]


def test_an_expired_token(demo):
    token = demo.sandbox.persona_token("clinician", expires_in=-3600)
    answer = ask_with(demo, token)
    assert answer.status_code == 401
    assert codes(answer.json()) == [Code.TOKEN_EXPIRED]


def test_a_scope_that_lacks_a_field(demo):
    (patient, *_) = demo.patients(first=1)
    answer = demo.ask(SUMMARY, {"id": patient["id"]}, persona="biller")
    assert answer["data"]["patient"] == {"name": patient["name"], "conditions": None}
    (error,) = answer["errors"]
    assert error["path"] == ["patient", "conditions"]
    assert error["extensions"]["code"] == Code.SCOPE_REQUIRED
    assert ["user/Condition.rs"] in error["extensions"]["scopes"]


@pytest.mark.parametrize(
    ("outage", "code", "state"),
    [
        ("html", Code.SOURCE_PROTOCOL_VIOLATION, "INVALID"),
        ("truncated", Code.SOURCE_PROTOCOL_VIOLATION, "INVALID"),
        ("half", Code.SOURCE_UNAVAILABLE, "UNAVAILABLE"),
        ("foreign-next", Code.SOURCE_PROTOCOL_VIOLATION, "INVALID"),
        ("503", Code.SOURCE_UNAVAILABLE, "UNAVAILABLE"),
        ("refuse", Code.SOURCE_UNAVAILABLE, "UNAVAILABLE"),
    ],
)
def test_an_upstream_that_answers_wrongly(demo, outage, code, state):
    patient = in_both_ehrs(demo)
    with demo.sandbox.broken("ehr-a", outage=outage):
        answer = demo.ask(SUMMARY, {"id": patient["id"]})
        states = {
            each["source"]: each["state"]
            for each in answer["data"]["patient"]["conditions"]["sources"]
        }
        assert states == {"ehr-a": state, "ehr-b": "OK"}
        demo.sandbox.set_faults("ehr-b", outage=outage)
        answer = demo.ask(SUMMARY, {"id": patient["id"]})
    assert answer["data"]["patient"] == {"name": patient["name"], "conditions": None}
    (error,) = answer["errors"]
    assert error["path"] == ["patient", "conditions"]
    assert error["extensions"]["code"] == code
    assert error["extensions"]["source"] in states
    assert error["extensions"]["state"] == state
    assert patient["name"]["text"] not in str(answer["errors"])


def in_both_ehrs(demo):
    """Somebody whose chart lies in both EHRs."""
    query = (
        "{ patients(first: 100) { nodes { id name { text }"
        " conditions { sources { source state } nodes { id } } } } }"
    )
    for patient in demo.ask(query)["data"]["patients"]["nodes"]:
        sources = {each["source"] for each in patient["conditions"]["sources"]}
        if sources == {"ehr-a", "ehr-b"}:
            return {"id": patient["id"], "name": patient["name"]}
    raise AssertionError("the sandbox has nobody in both EHRs")


def test_a_source_that_does_not_answer_in_time(demo):
    patient = in_both_ehrs(demo)
    with demo.sandbox.broken("ehr-a", outage="hang"):
        before = time.monotonic()
        answer = demo.ask(SUMMARY, {"id": patient["id"]})
        waited = time.monotonic() - before
    states = {
        each["source"]: each["state"] for each in answer["data"]["patient"]["conditions"]["sources"]
    }
    assert states == {"ehr-a": "TIMEOUT", "ehr-b": "OK"}
    assert waited < 30
