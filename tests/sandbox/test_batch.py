"""https://hl7.org/fhir/R4/http.html#transaction"""

import pytest

from sandbox.faults import Faults
from sandbox.wire import decode


def batch(*requests, type_="batch"):
    entries = [r if "request" in r else {"request": r} for r in requests]
    return {"resourceType": "Bundle", "type": type_, "entry": entries}


def get(url, **more):
    return {"method": "GET", "url": url, **more}


def statuses(bundle):
    return [entry["response"]["status"] for entry in bundle["entry"]]


def test_each_entry_is_answered_in_its_place(ehr_a, population):
    patient = population.launch_patient
    body = batch(
        get(f"Observation?patient={patient}&code=4548-4&_sort=-date&_count=1"),
        get("Patient/nobody"),
        get(f"/Patient/{patient}"),
        get(f"Patient/{patient}", ifNoneMatch='W/"1"'),
        get("Patient?birthdate=soon"),
    )
    answer = decode(ehr_a.ask("POST", "", body).body)
    assert answer["type"] == "batch-response"
    assert statuses(answer) == ["200", "404", "200", "304", "400"]
    newest, missing, read, *_ = answer["entry"]
    assert len(newest["resource"]["entry"]) == 1
    assert missing["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert read["resource"]["id"] == patient
    assert read["response"]["etag"] == 'W/"1"'


def test_is_one_call_with_its_entries_beside(ehr_a):
    ehr_a.ask("POST", "", batch(get("Patient/x"), get("Observation?patient=x"), get("Patient/y")))
    assert ehr_a.last_call.kind == "batch"
    entries = [(str(call.kind), call.subject) for call in ehr_a.last_call.entries]
    assert entries == [("read", "Patient"), ("search", "Observation"), ("read", "Patient")]


def test_an_entry_may_write(ehr_of):
    entry = {
        "request": {"method": "POST", "url": "Patient"},
        "resource": {"resourceType": "Patient", "gender": "other"},
    }
    answer = decode(ehr_of([]).ask("POST", "", batch(entry), token="writer").body)
    assert statuses(answer) == ["201"]
    assert answer["entry"][0]["response"]["location"].endswith("/_history/1")


def test_scopes_are_looked_at_entry_by_entry(ehr_a, population):
    body = batch(get(f"Patient/{population.launch_patient}"), get("Observation"))
    answer = decode(ehr_a.ask("POST", "", body, token="only-patients").body)
    assert statuses(answer) == ["200", "403"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (batch(type_="history"), 400),
        ({"resourceType": "Parameters", "type": "batch"}, 400),
        (batch(*[get("Patient/x")] * 501), 413),
    ],
)
def test_refuses(ehr_a, body, status):
    assert ehr_a.ask("POST", "", body).status == status


def test_an_empty_batch_has_an_empty_answer(ehr_a):
    assert "entry" not in decode(ehr_a.ask("POST", "", batch()).body)


def test_batches_can_be_switched_off(ehr_of):
    ehr = ehr_of([], faults=Faults(batch=False))
    assert ehr.ask("POST", "", batch()).status == 404


def test_nobody_posts_a_batch_without_a_token(ehr_a):
    assert ehr_a.ask("POST", "", batch(), token="").status == 401
