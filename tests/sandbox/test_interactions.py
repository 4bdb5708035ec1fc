"""Reading, writing, and who may. https://hl7.org/fhir/R4/http.html"""

import pytest

from sandbox.wire import decode

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"},
    "gender": "female",
}


@pytest.fixture
def ehr(ehr_of):
    return ehr_of([PATIENT])


def test_reads_with_a_version(ehr):
    answer = ehr.ask("GET", "Patient/p1")
    assert decode(answer.body) == PATIENT
    headers = dict(answer.headers)
    assert headers["etag"] == 'W/"1"'
    assert headers["last-modified"] == "Mon, 01 Jan 2024 00:00:00 GMT"


def test_what_the_client_already_has_is_not_sent_again(ehr):
    answer = ehr.ask("GET", "Patient/p1", if_none_match='W/"1"')
    assert (answer.status, answer.body) == (304, b"")
    assert ehr.ask("GET", "Patient/p1", if_none_match='W/"0"').status == 200


def test_updates_the_version_it_was_shown(ehr):
    changed = {**PATIENT, "gender": "other"}
    answer = ehr.ask("PUT", "Patient/p1", changed, token="writer", if_match='W/"1"')
    assert answer.status == 200
    assert dict(answer.headers)["etag"] == 'W/"2"'
    stored = ehr.get("Patient/p1")
    assert (stored["gender"], stored["meta"]["versionId"]) == ("other", "2")


def test_refuses_an_update_of_what_has_changed_since(ehr):
    ehr.ask("PUT", "Patient/p1", PATIENT, token="writer")
    answer = ehr.ask("PUT", "Patient/p1", PATIENT, token="writer", if_match='W/"1"')
    assert answer.status == 412
    assert decode(answer.body)["issue"][0]["code"] == "conflict"


def test_a_search_sees_an_update_and_no_longer_what_was(ehr_of):
    appointment = {
        "resourceType": "Appointment",
        "id": "a",
        "meta": {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"},
        "status": "booked",
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
    }
    ehr = ehr_of([appointment])
    moved = {**appointment, "status": "cancelled"}
    moved["participant"] = [{"actor": {"reference": "Patient/p2"}, "status": "accepted"}]
    assert ehr.ask("PUT", "Appointment/a", moved, token="writer").status == 200
    assert ehr.ids("Appointment", {"patient": "p2", "status": "cancelled"}) == ["a"]
    assert ehr.ids("Appointment", {"patient": "p1"}) == []


def test_creates_under_an_id_of_its_own(ehr):
    answer = ehr.ask("POST", "Patient", {**PATIENT, "id": "mine"}, token="writer")
    made = decode(answer.body)
    assert answer.status == 201
    assert made["id"] not in ("mine", "p1")
    location = dict(answer.headers)["location"]
    assert location == f"http://ehr.example/fhir/Patient/{made['id']}/_history/1"


def test_creates_what_does_not_exist_yet(ehr):
    marked = {**PATIENT, "identifier": [{"system": "urn:x", "value": "1"}]}
    asked = {"token": "writer", "if_none_exist": "identifier=urn:x|1"}
    first = ehr.ask("POST", "Patient", marked, **asked)
    again = ehr.ask("POST", "Patient", marked, **asked)
    assert (first.status, again.status) == (201, 200)
    assert decode(first.body)["id"] == decode(again.body)["id"]
    ehr.ask("POST", "Patient", marked, token="writer")
    assert ehr.ask("POST", "Patient", marked, **asked).status == 412


@pytest.mark.parametrize("condition", ["made-up=1", "_count=1"])
def test_a_condition_on_nothing_known_is_refused(ehr, condition):
    answer = ehr.ask("POST", "Patient", PATIENT, token="writer", if_none_exist=condition)
    assert answer.status == 400


def test_decimals_keep_their_digits(ehr_of):
    quantity = b'{"value":5.10,"unit":"%"}'
    body = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":%s}'
    answer = ehr_of([]).ask("POST", "Observation", body % quantity, token="writer")
    assert quantity in answer.body


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("GET", "Patient/nobody", b"", 404),
        ("GET", "Shoe/1", b"", 404),
        ("GET", "Shoe?size=44", b"", 404),
        ("GET", "Patient/p1/_history/1", b"", 404),
        ("DELETE", "Patient/p1", b"", 404),
        ("PUT", "Patient/nobody", PATIENT, 404),
        ("PUT", "Patient/p1", {**PATIENT, "id": "p2"}, 400),
        ("POST", "Patient", b"{", 400),
        ("POST", "Patient", b"[]", 400),
        ("POST", "Patient", {"resourceType": "Practitioner"}, 400),
        ("POST", "Patient", {"resourceType": "Patient", "gender": ["x"]}, 422),
        ("POST", "Patient", {"resourceType": "Patient", "shoeSize": 44}, 422),
    ],
)
def test_refuses_with_an_operation_outcome(ehr, method, address, body, status):
    answer = ehr.ask(method, address, body, token="writer")
    assert answer.status == status
    assert decode(answer.body)["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("token", ["", "stranger"])
def test_nobody_reads_without_a_token(ehr, token):
    answer = ehr.ask("GET", "Patient/p1", token=token)
    assert answer.status == 401
    assert ("www-authenticate", "Bearer") in answer.headers


@pytest.mark.parametrize(
    ("token", "method", "address", "status"),
    [
        ("only-patients", "GET", "Patient/p1", 200),
        ("only-patients", "GET", "Patient", 200),
        ("only-patients", "GET", "Observation", 403),
        ("only-patients", "POST", "Observation/_search", 403),
        ("reader", "PUT", "Patient/p1", 403),
        ("reader", "POST", "Patient", 403),
    ],
)
def test_a_token_reaches_as_far_as_its_scopes(ehr, token, method, address, status):
    assert ehr.ask(method, address, PATIENT, token=token).status == status


def test_a_cursor_lends_nobody_a_scope(ehr_a):
    link = ehr_a.get("Observation?_count=1")["link"][1]["url"]
    assert ehr_a.ask("GET", link, token="only-patients").status == 403
