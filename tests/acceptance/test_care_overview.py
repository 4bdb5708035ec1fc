"""Plans, open orders and documents in the demo, against what the EHRs hold."""

from __future__ import annotations

import pytest

from tests.acceptance.test_whole_path import EHRS, upstream_calls

SENSITIVE = "R"


def held(demo, source, type_, patient):
    """A patient's resources at a source, read by FHIR alone."""
    token = demo.sandbox.system_token()
    answer = demo.http.post(
        f"{demo.sandbox.url(source)}/{type_}/_search",
        data={"patient": patient, "_count": "100"},
        headers={"Authorization": f"Bearer {token}"},
    )
    return [entry["resource"] for entry in answer.raise_for_status().json().get("entry", ())]


def is_open(resource):
    labels = {label["code"] for label in resource["meta"].get("security", ())}
    return SENSITIVE not in labels


@pytest.fixture
def persona(demo):
    """The persona's ids in each EHR, and in the graph."""
    person = next(p for p in demo.sandbox.truth["people"] if p["number"] == 0)
    asked = demo.ask("{ me { patient { id } } }", persona="patient")
    return person["ids"], asked["data"]["me"]["patient"]["id"]


def test_what_is_planned_and_what_is_still_to_be_done(demo, persona):
    ids, patient = persona
    demo.run("care-overview", persona="patient", id=patient)
    demo.sandbox.reset_calls()
    answer = demo.run("care-overview", persona="patient", id=patient)
    assert "errors" not in answer, answer["errors"]
    calls = upstream_calls(demo)
    assert {source for source, _ in calls} == set(EHRS)
    assert {type_ for _, type_ in calls} >= {"CarePlan", "Goal", "Condition", "ServiceRequest"}
    assert max(calls.values()) == 1, calls
    found = answer["data"]["patient"]
    ehrs = {source: id_ for source, id_ in ids.items() if source.startswith("ehr")}
    plans = [plan for s, id_ in ehrs.items() for plan in held(demo, s, "CarePlan", id_)]
    assert sorted(plan["title"] for plan in found["carePlans"]["nodes"]) == sorted(
        plan["title"] for plan in plans
    )
    assert all(plan["goals"] and plan["conditions"] for plan in found["carePlans"]["nodes"])
    orders = [order for s, id_ in ehrs.items() for order in held(demo, s, "ServiceRequest", id_)]
    standing = [order for order in orders if order["status"] == "active"]
    assert sorted(o["authoredOn"] for o in found["orders"]["nodes"]) == sorted(
        o["authoredOn"] for o in standing
    )
    assert len(orders) > len(standing) > 0


def test_a_clinician_sees_no_labelled_document_and_opens_the_others(demo, persona):
    ids, patient = persona
    query = """query($id: ID!) { patient(id: $id) { documents(first: 200) { nodes { date contents {
      attachment { url content { text } } } } } } }"""
    answer = demo.ask(query, {"id": patient})
    assert "errors" not in answer, answer["errors"]
    nodes = answer["data"]["patient"]["documents"]["nodes"]
    documents = [
        document
        for source, id_ in ids.items()
        if source.startswith("ehr")
        for document in held(demo, source, "DocumentReference", id_)
    ]
    assert any(not is_open(document) for document in documents)
    assert sorted(node["date"] for node in nodes) == sorted(
        document["date"] for document in documents if is_open(document)
    )
    attachments = [node["contents"][0]["attachment"] for node in nodes]
    assert all(a["content"]["text"].startswith("Seen by Dr. ") for a in attachments)
    assert {bool(a["url"]) for a in attachments} == {True, False}
