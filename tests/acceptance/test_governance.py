"""Consent, broken glass and accounting on the running demo, as its personas meet them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest

CONDITIONS = """query Problems($id: ID!) { patient(id: $id) {
  conditions(first: 200) { nodes { id code { text } securityLabels { code } } }
} }"""
SENSITIVE = {"42CFRPart2", "ETH", "SUD", "PSY", "HIV", "SEX", "R"}
START = "2020-01-01"


@pytest.fixture
def me(demo):
    """The patient persona's own id."""
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


def run(demo, operation, persona, **variables):
    answer = demo.run(operation, persona=persona, idempotencyKey=uuid4().hex, **variables)
    assert "errors" not in answer, answer
    (done,) = answer["data"].values()
    return done


def problems(demo, id_, persona, **token):
    headers = {"authorization": f"Bearer {demo.sandbox.persona_token(persona, **token)}"}
    body = {"query": CONDITIONS, "variables": {"id": id_}}
    answer = demo.post(body, persona=None, headers=headers).json()
    assert "errors" not in answer, answer
    nodes = answer["data"]["patient"]["conditions"]["nodes"]
    return {
        node["id"]: {each["code"] for each in node["securityLabels"]} & SENSITIVE for node in nodes
    }


def test_a_labelled_condition_appears_with_a_consent_and_goes_with_its_revocation(demo, me):
    own = problems(demo, me, "patient")
    closed = problems(demo, me, "clinician")
    labelled = {id_: labels for id_, labels in own.items() if labels}
    assert labelled
    assert closed.keys() == own.keys() - labelled.keys()
    provision = {
        "type": "PERMIT",
        "actors": [{"kind": "ROLE", "value": "clinician"}],
        "purposes": ["TREAT"],
        "securityLabels": ["PSY"],
    }
    recorded = run(demo, "record-consent", "patient", patient=me, provision=provision)
    assert recorded["__typename"] == "ConsentRecorded"
    opened = {id_ for id_, labels in labelled.items() if labels == {"R", "PSY"}}
    assert opened
    assert problems(demo, me, "clinician").keys() == closed.keys() | opened
    consent = recorded["consent"]
    revoked = run(
        demo, "revoke-consent", "patient", consent=consent["id"], ifMatch=consent["version"]
    )
    assert revoked["consent"]["status"] == "INACTIVE"
    assert problems(demo, me, "clinician") == closed
    mine = demo.run("my-disclosures", persona="patient")["data"]["me"]["patient"]
    kept = {each["id"]: each for each in mine["consents"]["nodes"]}
    assert (kept[consent["id"]]["status"], kept[consent["id"]]["inForce"]) == ("INACTIVE", False)


def test_what_was_signed_opens_what_part_2_protects_to_one_organization(demo):
    """As the sandbox has it: one consent that stands, and one that was revoked."""
    standing, revoked = demo.sandbox.ready["consents"]
    assert (standing["is_revoked"], revoked["is_revoked"]) == (False, True)
    for signed in (standing, revoked):
        token = demo.sandbox.persona_token("patient", patient=signed["patient"])
        headers = {"authorization": f"Bearer {token}"}
        asked = {"query": "{ me { patient { id } } }"}
        answer = demo.post(asked, persona=None, headers=headers).json()
        id_ = answer["data"]["me"]["patient"]["id"]
        own = problems(demo, id_, "patient", patient=signed["patient"])
        protected = {each for each, labels in own.items() if "42CFRPart2" in labels}
        assert protected
        assert not problems(demo, id_, "clinician").keys() & protected
        shown = problems(demo, id_, "counselor").keys() & protected
        assert shown == (set() if signed["is_revoked"] else protected)
        query = "query($id: ID!) { patient(id: $id) { consents { nodes { status inForce } } } }"
        kept = demo.ask(query, {"id": id_}, "privacy-officer")["data"]["patient"]["consents"]
        status = "INACTIVE" if signed["is_revoked"] else "ACTIVE"
        assert kept["nodes"] == [{"status": status, "inForce": not signed["is_revoked"]}]


def test_a_patient_opens_what_is_closed_to_whoever_treats_her(demo, me):
    closed = problems(demo, me, "clinician")
    provision = {
        "type": "PERMIT",
        "actors": [{"kind": "CARE_TEAM", "value": "any"}],
        "purposes": ["TREAT"],
        "securityLabels": ["PSY"],
    }
    consent = run(demo, "record-consent", "patient", patient=me, provision=provision)["consent"]
    # The clinician is her family doctor, as her care team at EHR-A has it; the counselor is not.
    opened = problems(demo, me, "clinician")
    assert closed.keys() < opened.keys()
    assert all(opened[id_] == {"R", "PSY"} for id_ in opened.keys() - closed.keys())
    assert problems(demo, me, "counselor") == closed
    run(demo, "revoke-consent", "patient", consent=consent["id"], ifMatch=consent["version"])
    assert problems(demo, me, "clinician") == closed


def held_at(demo, path):
    """What EHR-B holds, read by FHIR alone."""
    headers = {"Authorization": f"Bearer {demo.sandbox.system_token()}"}
    answer = demo.http.get(f"{demo.sandbox.url('ehr-b')}/{path}", headers=headers)
    found = answer.raise_for_status().json()
    return [each["resource"] for each in found["entry"]] if "entry" in found else [found]


def test_what_an_ehr_was_told_is_followed_for_its_records(demo):
    """Two patients of EHR-B: one lets an organization see what is protected, one nothing."""
    held = held_at(demo, "Consent")
    assert {each["provision"]["type"] for each in held} == {"permit", "deny"}
    for consent in held:
        (person,) = held_at(demo, consent["patient"]["reference"])
        searched = f"{person['name'][0]['family']} {person['birthDate']}"
        query = "query($s: String) { patients(search: $s) { nodes { id } } }"
        (found,) = demo.ask(query, {"s": searched})["data"]["patients"]["nodes"]
        id_ = found["id"]
        everyone, named = problems(demo, id_, "clinician"), problems(demo, id_, "counselor")
        if consent["provision"]["type"] == "deny":
            assert everyone
            assert not named
        else:
            opened = named.keys() - everyone.keys()
            assert opened
            assert all("42CFRPart2" in named[each] for each in opened)
        query = """query($id: ID!) { patient(id: $id) { consents {
          nodes { status recordedAt provision { type sources } provenance { source } }
          sources { source state } } } }"""
        listed = demo.ask(query, {"id": id_}, "privacy-officer")["data"]["patient"]["consents"]
        assert listed["nodes"] == [
            {
                "status": consent["status"].upper(),
                "recordedAt": consent["dateTime"],
                "provision": {"type": consent["provision"]["type"].upper(), "sources": ["ehr-b"]},
                "provenance": [{"source": "ehr-b"}],
            }
        ]
        assert {each["source"]: each["state"] for each in listed["sources"]}["ehr-b"] == "OK"


def test_glass_is_broken_seen_through_found_and_reviewed(demo, me):
    own = problems(demo, me, "patient")
    assert problems(demo, me, "emergency").keys() < own.keys()
    refused = demo.run(
        "break-glass", persona="clinician", patient=me, reason="why not", idempotencyKey="x"
    )
    assert refused["data"]["breakGlass"] is None
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    reason = "Unconscious; what has she taken?"
    broken = run(demo, "break-glass", "emergency", patient=me, reason=reason, minutes=30)
    assert broken["__typename"] == "GlassBroken"
    grant = broken["grant"]["id"]
    assert problems(demo, me, "emergency") == own
    # Nobody else sees more than before.
    assert problems(demo, me, "clinician").keys() < own.keys()

    queue = demo.run("break-glass-reviews", persona="privacy-officer")["data"]["breakGlassGrants"]
    (waiting,) = [each for each in queue["nodes"] if each["id"] == grant]
    assert (waiting["reason"], waiting["patient"]["id"]) == (reason, me)
    assert waiting["brokenBy"]["subject"] == "emergency-1"
    assert [(each["operationName"], each["types"]) for each in waiting["uses"]] == [
        ("BreakGlass", ["BreakGlassGrant"]),
        ("Problems", ["Condition"]),
    ]
    reviewed = run(
        demo,
        "review-break-glass",
        "privacy-officer",
        grant=grant,
        verdict="JUSTIFIED",
        comment="An emergency indeed.",
        ifMatch=waiting["version"],
    )
    assert reviewed["grant"]["review"]["verdict"] == "JUSTIFIED"
    again = run(
        demo,
        "review-break-glass",
        "privacy-officer",
        grant=grant,
        verdict="UNJUSTIFIED",
        comment="On second thoughts",
    )
    assert again["code"] == "ALREADY_REVIEWED"
    queue = demo.run("break-glass-reviews", persona="privacy-officer")["data"]["breakGlassGrants"]
    assert grant not in {each["id"] for each in queue["nodes"]}
    mine = demo.run("my-disclosures", persona="patient")["data"]["me"]["patient"]
    (seen,) = [each for each in mine["breakGlassGrants"]["nodes"] if each["id"] == grant]
    assert (seen["reason"], seen["review"]) == (reason, {"verdict": "JUSTIFIED"})


def test_who_saw_a_patient_is_told_to_officers_and_to_herself(demo, me):
    other = next(each["id"] for each in demo.patients() if each["id"] != me)
    began = datetime.now(UTC).isoformat()
    for persona in ("clinician", "biller"):
        demo.run("patient-summary", persona=persona, id=me)
    demo.run("patient-summary", persona="clinician", id=other)

    def told(answer):
        accounted = answer["patient"] if "patient" in answer else answer["me"]["patient"]
        entries = accounted["disclosures"]
        assert [each["state"] for each in entries["sources"]] == ["OK"]
        return accounted, entries["nodes"]

    answer = demo.run("privacy-accounting", persona="privacy-officer", **{"id": me, "from": began})
    assert "errors" not in answer
    assert answer["data"]["auditTrail"]["state"] == "OK"
    assert answer["data"]["auditTrail"]["findings"] == []
    accounted, entries = told(answer["data"])
    seen = [(each["operationName"], each["who"]["subject"]) for each in entries]
    assert seen == [("PatientSummary", "biller-1"), ("PatientSummary", "clinician-1")]
    assert [each["purpose"]["code"] for each in entries] == ["HPAYMT", "TREAT"]
    assert {"type": "Condition", "reason": "label"} in entries[1]["withheld"]
    counted = {each["purpose"]["code"]: each["count"] for each in accounted["disclosurePurposes"]}
    assert counted == {"HPAYMT": 1, "TREAT": 1}

    mine, own = told(demo.run("my-disclosures", persona="patient", **{"from": began})["data"])
    subjects = [each["who"]["subject"] for each in own]
    assert subjects == ["privacy-officer-1", "biller-1", "clinician-1"]
    assert "HCOMPL" in {each["purpose"]["code"] for each in mine["disclosurePurposes"]}
    only = demo.run(
        "privacy-accounting",
        persona="privacy-officer",
        **{"id": me, "from": began, "purposes": ["HPAYMT"], "first": 1},
    )
    _, entries = told(only["data"])
    assert [each["who"]["subject"] for each in entries] == ["biller-1"]


@pytest.mark.parametrize("persona", ["clinician", "biller", "partner", "steward", "emergency"])
def test_it_is_told_to_nobody_else(demo, me, persona):
    answer = demo.run("privacy-accounting", persona=persona, **{"id": me, "from": START})
    patient = answer["data"]["patient"] or {}
    assert not any(patient.get(each) for each in ("disclosures", "disclosurePurposes"))
    assert answer["data"]["auditTrail"] is None
    codes = {each["extensions"]["code"] for each in answer["errors"]}
    assert codes <= {"FORBIDDEN", "SCOPE_REQUIRED"}


def test_the_pages_of_an_accounting_are_whole(demo, me):
    for _ in range(3):
        demo.ask(CONDITIONS, {"id": me}, "clinician")

    def page(**variables):
        answer = demo.run(
            "privacy-accounting",
            persona="privacy-officer",
            **{"id": me, "from": START, "purposes": ["TREAT"], **variables},
        )
        return answer["data"]["patient"]["disclosures"]

    whole = page(first=200)
    assert not whole["pageInfo"]["hasNextPage"]
    paged, after = [], None
    for _ in range(len(whole["nodes"])):
        part = page(first=2, after=after)
        paged += part["nodes"]
        after = part["pageInfo"]["endCursor"]
        if not part["pageInfo"]["hasNextPage"]:
            break
    assert [each["requestId"] for each in paged] == [each["requestId"] for each in whole["nodes"]]
    moments = [each["recordedAt"] for each in whole["nodes"]]
    assert moments == sorted(moments, reverse=True)


def test_the_sources_are_told_to_those_who_run_them(demo):
    query = "{ dataSources { id title kind state } }"
    answer = demo.ask(query, persona="privacy-officer")
    assert {each["id"] for each in answer["data"]["dataSources"]} >= {"ehr-a", "ehr-b", "payer"}
    assert demo.ask(query)["data"]["dataSources"] is None


def test_nothing_of_it_lies_in_clear_on_the_disk(demo, me):
    """Neither why glass was broken, nor by whom, nor whose it was."""
    reason = "canary-of-a-reason"
    run(demo, "break-glass", "emergency", patient=me, reason=reason, minutes=1)
    demo.run("my-disclosures", persona="patient")
    with closing(sqlite3.connect(demo.home / "governance.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = b"".join(each.read_bytes() for each in demo.home.glob("governance.db*"))
    launch = demo.sandbox.ready["personas"]["patient"]["patient"]
    for secret in (reason, "emergency-1", "clinician-1", launch, me):
        assert secret.encode() not in raw
    assert reason not in (demo.home / "up.log").read_text()
