"""Records as AuditEvents, judged by the models of fhir.resources."""

import base64

from fhir.resources.R4B.auditevent import AuditEvent

from contract.access import Refusal
from contract.audit_record import AuditRecord
from contract.context import Caller
from gateway.audit.balp import audit_events

RECORD = AuditRecord(
    request_id="0123456789abcdef",
    recorded_at=1_700_000_000.25,
    kind="query",
    operation_name="Summary",
    operation_hash="0" * 64,
    request='{"query":"{ me { subject } }","variables":{}}',
    caller=Caller(
        subject="practitioner-7",
        client_id="portal",
        issuer="https://issuer.example",
        roles=("clinician",),
        purpose="ETREAT",
        token_id="token-1",
    ),
    patients=("a", "b"),
    refusals=(Refusal("Observation", "label"),),
    denials=("Patient.ssn",),
)


def test_one_query_and_one_read_for_each_patient():
    events = list(audit_events(RECORD))
    assert [event["subtype"][0]["code"] for event in events] == ["search", "read", "read"]
    for event in events:
        assert AuditEvent.model_validate(event).recorded.isoformat().startswith("2023-11-14T22:13")


def test_says_who_and_why():
    query = next(audit_events(RECORD))
    user = query["agent"][-1]
    assert user["requestor"] is True
    assert user["who"]["identifier"] == {
        "value": "practitioner-7",
        "system": "https://issuer.example",
    }
    assert user["policy"] == ["urn:ietf:params:oauth:jti:token-1"]
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "ETREAT"
    assert [agent["requestor"] for agent in query["agent"]] == [False, False, True]


def test_the_client_asks_as_a_source_and_reads_as_a_destination():
    events = list(audit_events(RECORD))
    roles = [[agent["type"]["coding"][0]["code"] for agent in e["agent"][:2]] for e in events[:2]]
    assert roles == [["110153", "110152"], ["110152", "110153"]]
    assert [event["agent"][0]["who"]["display"] for event in events] == ["portal"] * 3


def test_says_what_was_asked_and_what_was_refused():
    entity = next(audit_events(RECORD))["entity"][0]
    assert base64.b64decode(entity["query"]).decode() == RECORD.request
    details = {detail["type"]: detail["valueString"] for detail in entity["detail"]}
    assert details["deniedFields"] == "Patient.ssn"
    assert details["withheld"] == "Observation:label"


def test_names_the_patient_and_the_request():
    _, read, _ = audit_events(RECORD)
    patient, _, transaction = read["entity"]
    assert patient["what"]["identifier"]["value"] == "a"
    assert transaction["what"]["identifier"]["value"] == RECORD.request_id


def test_nobody_signed_in():
    anonymous = AuditRecord(
        request_id="r", recorded_at=0, kind="query", operation_name=None, operation_hash="",
        request="", caller=None,
    )  # fmt: skip
    (event,) = audit_events(anonymous)
    assert AuditEvent.model_validate(event)
