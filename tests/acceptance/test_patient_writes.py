"""Messages, refills and the preparation of a visit, against what the EHRs hold afterwards."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.acceptance.test_scheduling import held
from tests.acceptance.test_whole_path import EHRS, upstream_calls


@pytest.fixture
def me(demo):
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


def ids_of_persona(demo):
    own = demo.sandbox.ready["personas"]["patient"]["patient"]
    people = [person["ids"] for person in demo.sandbox.truth["people"]]
    return next(ids for ids in people if ids.get("ehr-a") == own)


def change(demo, operation, persona, **given):
    answer = demo.run(operation, persona, input={"idempotencyKey": uuid4().hex, **given})
    assert "errors" not in answer, answer
    (out,) = answer["data"].values()
    return out


def my_messages(demo, **variables):
    answer = demo.run("my-messages", "patient", **variables)
    assert "errors" not in answer, answer
    return answer["data"]["me"]["patient"]["messages"]["nodes"]


def test_a_patient_reads_her_threads_and_answers(demo, me):
    ids = ids_of_persona(demo)
    nodes = my_messages(demo)
    rows = [
        row for source in EHRS for row in held(demo, source, "Communication", patient=ids[source])
    ]
    assert sorted(node["body"] for node in nodes) == sorted(
        row["payload"][0]["contentString"] for row in rows
    )
    first = nodes[0]
    sent = change(
        demo, "send-message", "patient", patient=me, body="Understood.", answers=first["id"]
    )
    assert sent["sent"]["thread"] == first["thread"]
    after = my_messages(demo, thread=first["thread"])
    assert after[0]["body"] == "Understood."
    assert {node["thread"] for node in after} == {first["thread"]}
    source = first["provenance"][0]["source"]
    (row,) = [
        each
        for each in held(demo, source, "Communication", patient=ids[source])
        if each["payload"][0]["contentString"] == "Understood."
    ]
    assert row["sender"] == {"reference": f"Patient/{ids[source]}"}


def test_her_messages_take_one_call_per_ehr(demo, me):
    my_messages(demo)
    demo.sandbox.reset_calls()
    my_messages(demo)
    assert upstream_calls(demo) == {(ehr, "Communication"): 1 for ehr in EHRS}


def test_a_refill_is_asked_for_and_seen_before_the_visit(demo, me):
    ids = ids_of_persona(demo)
    before = demo.run("visit-prep", patient=me)
    assert "errors" not in before, before
    prescription = before["data"]["patient"]["medicationRequests"]["nodes"][0]
    asked = change(
        demo, "request-refill", "patient", medicationRequest=prescription["id"], note="Nearly out"
    )
    assert asked["request"]["status"] == "requested"
    tasks = [t for source in EHRS for t in held(demo, source, "Task", patient=ids[source])]
    assert "Nearly out" in [note["text"] for task in tasks for note in task["note"]]
    after = demo.run("visit-prep", patient=me)["data"]["patient"]["medicationRequests"]["nodes"]
    (seen,) = [node for node in after if node["id"] == prescription["id"]]
    assert asked["request"]["id"] in {each["id"] for each in seen["refillRequests"]}


def test_her_inbox_has_each_thread_once_and_every_refill(demo, me):
    ids = ids_of_persona(demo)
    demo.run("my-inbox", "patient")
    demo.sandbox.reset_calls()
    answer = demo.run("my-inbox", "patient")
    assert "errors" not in answer, answer
    calls = upstream_calls(demo)
    types = ("Communication", "Task", "MedicationRequest")
    assert calls == {(ehr, type_): 1 for ehr in EHRS for type_ in types}
    inbox = answer["data"]["me"]["patient"]
    messages = my_messages(demo)
    latest = {}
    for message in reversed(messages):
        latest[message["thread"]] = message
    threads = inbox["messageThreads"]["nodes"]
    assert {each["id"]: each["latest"]["id"] for each in threads} == {
        thread: message["id"] for thread, message in latest.items()
    }
    assert sum(each["messageCount"] for each in threads) == len(messages)
    moments = [each["latest"]["sentAt"] for each in threads]
    assert moments == sorted(moments, reverse=True)
    tasks = [t for source in EHRS for t in held(demo, source, "Task", patient=ids[source])]
    refills = inbox["refillRequests"]["nodes"]
    assert sorted(each["requestedAt"] for each in refills) == sorted(
        task["authoredOn"] for task in tasks
    )
    assert all(each["prescription"]["medication"]["display"] for each in refills)


def test_a_visit_is_prepared_from_what_the_ehrs_hold(demo, me):
    ids = ids_of_persona(demo)
    answer = demo.run("visit-prep", patient=me)
    assert "errors" not in answer, answer
    patient = answer["data"]["patient"]
    encounters = [
        row for source in EHRS for row in held(demo, source, "Encounter", patient=ids[source])
    ]
    latest = sorted((row["period"]["start"] for row in encounters), reverse=True)[:3]
    assert [node["period"]["start"] for node in patient["encounters"]["nodes"]] == latest
    booked = [
        row
        for source in EHRS
        for row in held(demo, source, "Appointment", patient=ids[source])
        if row["status"] == "booked"
    ]
    soonest = min(row["start"] for row in booked)
    assert patient["nextAppointment"]["start"] == soonest
    assert patient["nextAppointment"]["virtualVisit"]["joinUrl"].startswith("http")


def test_preparing_takes_one_call_for_each_source_and_type(demo, me):
    demo.run("visit-prep", patient=me)
    demo.sandbox.reset_calls()
    demo.run("visit-prep", patient=me)
    calls = upstream_calls(demo)
    assert {source for source, _ in calls} <= {*EHRS, "telehealth", "zoom"}
    assert max(calls.values()) == 1, calls


def test_a_front_desk_reads_no_messages(demo, me):
    query = "query($id: ID!) { patient(id: $id) { messages { nodes { body } } } }"
    answer = demo.ask(query, {"id": me}, persona="scheduler")
    assert answer["data"]["patient"]["messages"] is None
    assert answer["errors"][0]["extensions"]["code"] == "SCOPE_REQUIRED"
