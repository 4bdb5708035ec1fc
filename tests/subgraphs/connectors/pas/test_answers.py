"""The guide's own Bundles: what is believed, and what is refused with what is wrong."""

from __future__ import annotations

import json

import pytest

from chartgraph.testing.connectors import PHI
from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.pas.answers import (
    NotAccepted,
    problems,
    read_answer,
    read_inquiry,
    read_notification,
)
from tests.shared_data import shared_data

NO_RESPONSE = "entry.0 is no ClaimResponse for a prior authorization"
NO_PATIENT = "ClaimResponse.patient leads to no entry"


def example(name: str) -> bytes:
    return (shared_data("davinci-pas") / f"{name}.json").read_bytes()


def answer(**more: object) -> dict:
    """The least that is an answer."""
    response = {
        "resourceType": "ClaimResponse",
        "id": "r",
        "status": "active",
        "type": {"coding": [{"code": "professional"}]},
        "use": "preauthorization",
        "patient": {"reference": "Patient/p"},
        "created": "2026-01-01",
        "insurer": {"display": "Meadow"},
        "outcome": "complete",
        **more,
    }
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": PHI}]}
    base = "https://payer.example/fhir"
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": f"{base}/ClaimResponse/r", "resource": response},
            {"fullUrl": f"{base}/Patient/p", "resource": patient},
        ],
    }


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("valid_pa_response_bundle", ()),
        # Wrong only beside the request it answers, whose member has another number.
        ("response_bundle_patient_wrong_fullurl", ()),
        ("invalid_first_entry_response_bundle", (NO_RESPONSE,)),
        ("missing_referenced_resource_response_bundle", (NO_PATIENT,)),
        ("pa_response_bundle_missing_elements", ("entry.0.resource.created", NO_PATIENT)),
        ("nonconformant_pas_bundle_v110", (NO_RESPONSE,)),
        ("conformant_pas_bundle_v110_uuid", (NO_RESPONSE,)),
    ],
)
def test_what_is_wrong_with_an_answer_is_told(name, wrong):
    content = example(name)
    assert problems(json.loads(content)) == wrong
    if wrong:
        with pytest.raises(ProtocolViolation) as raised:
            read_answer(content)
        assert all(each in str(raised.value) for each in wrong)
    else:
        found = read_answer(content)
        assert found.patient["resourceType"] == "Patient"
        assert found.traces == {"111099"}


@pytest.mark.shared_data
def test_reads_notifications():
    full = read_notification(example("PAS_notification_example_full_resource"))
    (told,) = full.answers
    assert told.response["outcome"] == "queued"
    assert full.focus == (f"urn:uuid:{told.response['id']}",)
    by_id = read_notification(example("PAS_notification_example_id_only"))
    assert (by_id.focus, by_id.answers) == (full.focus, ())
    with pytest.raises(ProtocolViolation, match="what it is about"):
        read_notification(example("PAS_notification_missing_elements"))
    with pytest.raises(ProtocolViolation, match="topic"):
        read_notification(example("valid_pa_response_bundle"))


@pytest.mark.parametrize("version", ["parameters", "bundle"])
def test_reads_what_an_inquiry_finds(version):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"code": "suppressed"}]}
    bundles = [answer(identifier=[{"value": "1"}]), answer(identifier=[{"value": "2"}]), outcome]
    parameters = [{"name": "responseBundle", "resource": each} for each in bundles]
    found = {"resourceType": "Parameters", "parameter": parameters}
    content = found if version == "parameters" else bundles[0]
    traces = [each.traces for each in read_inquiry(json.dumps(content).encode())]
    assert traces == ([{"1"}, {"2"}] if version == "parameters" else [{"1"}])


@pytest.mark.parametrize(
    "content", [{"resourceType": "Parameters"}, {"resourceType": "Bundle", "type": "collection"}]
)
def test_an_inquiry_may_find_nothing(content):
    assert read_inquiry(json.dumps(content).encode()) == []


def test_an_error_is_a_refusal_with_its_codes():
    errors = [{"code": {"coding": [{"code": code}]}} for code in ("T4", PHI, "04")]
    content = json.dumps(answer(outcome="error", error=errors)).encode()
    with pytest.raises(NotAccepted) as raised:
        read_answer(content)
    assert raised.value.codes == ("T4", "04")
    assert str(raised.value) == "the payer could not work on the request (T4, 04)"


@pytest.mark.parametrize("read", [read_answer, read_inquiry])
def test_an_operation_outcome_in_place_of_an_answer_is_a_refusal(read):
    issues = [{"code": "duplicate", "diagnostics": PHI}, {"code": PHI}]
    content = json.dumps({"resourceType": "OperationOutcome", "issue": issues}).encode()
    with pytest.raises(Rejected) as raised:
        read(content)
    assert raised.value.codes == ("duplicate",)
    assert PHI not in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'"Lovelace"',
        b'{"resourceType":"Bundle","entry":"Lovelace"}',
        b'{"resourceType":"Bundle","entry":["Lovelace"]}',
        b'{"resourceType":"Bundle","entry":[{"resource":"Lovelace"}]}',
        b"\xff\xfe",
        b'{"resourceType":"Bundle"',
    ],
)
@pytest.mark.parametrize("read", [read_answer, read_notification])
def test_garbage_is_refused_and_not_quoted(read, content):
    with pytest.raises(ProtocolViolation) as raised:
        read(content)
    assert PHI not in str(raised.value)
