"""Records over the sandbox's two EHRs: merged facts, calls, outages, who may see what."""

import pytest

from contract.context import Caller

SUMMARY = """... on Patient { id
  conditions(clinicalStatus: ["active"]) {
    nodes { id code { text coding { system code } } clinicalStatus onset
            provenance { source recordedAt receivedAt method } securityLabels { code } }
    sources { source state } }
  allergies { nodes { id code { text } criticality reactions { manifestation { text } } } }
  encounters(first: 3) { nodes { id encounterClass { code } period { start } } }
  procedures { nodes { id code { text } performed } }
  immunizations { nodes { id vaccineCode { text } occurrence } } }"""


async def shared_patients(graph):
    """Representations of everyone both EHRs know, without lookalikes."""
    people = [p for p in graph.truth["people"] if {"ehr-a", "ehr-b"} <= p["ids"].keys()]
    return [await graph.patient("ehr-a", person["ids"]["ehr-a"]) for person in people]


async def test_a_summary_makes_one_call_per_source_and_type(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.reset_calls()
    answer = await graph.entities("records", SUMMARY, patient)
    assert not answer.errors
    found = answer.data[0]
    assert found["conditions"]["nodes"]
    assert {s["source"]: s["state"] for s in found["conditions"]["sources"]} == {
        "ehr-a": "OK",
        "ehr-b": "OK",
    }
    searches = dict.fromkeys(("Condition", "AllergyIntolerance", "Encounter", "Procedure"), 1)
    searches["Immunization"] = 1
    for source in ("ehr-a", "ehr-b"):
        assert calm_sandbox.calls()[source]["calls"]["search"] == searches


async def test_fifty_patients_are_one_question_to_each_source(graph, calm_sandbox):
    patients = await graph.patients(50)
    calm_sandbox.reset_calls()
    answer = await graph.entities(
        "records", "... on Patient { conditions { nodes { id } sources { state } } }", *patients
    )
    assert not answer.errors
    assert len(answer.data) == 50
    for source in ("ehr-a", "ehr-b"):
        # One question; a source that cuts its pages short has more than one of them.
        calls = calm_sandbox.calls()[source]["calls"]
        assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) <= 3


async def test_a_problem_both_ehrs_keep_is_one_node_with_both_provenances(graph):
    answer = await graph.entities("records", SUMMARY, *await shared_patients(graph))
    facts = [fact for found in answer.data for fact in found["conditions"]["nodes"]]
    assert facts
    both = [f for f in facts if [p["source"] for p in f["provenance"]] == ["ehr-a", "ehr-b"]]
    # The sandbox writes every problem into both charts, in two dialects.
    assert len(both) == len(facts)
    assert all(p["recordedAt"] and p["receivedAt"] for f in both for p in f["provenance"])


async def test_a_merged_problem_is_the_same_node_by_its_id(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    fields = "id code { text } provenance { source }"
    listed = await graph.entities(
        "records", f"... on Patient {{ conditions {{ nodes {{ {fields} }} }} }}", patient
    )
    nodes = listed.data[0]["conditions"]["nodes"]
    by_id = await graph.entities(
        "records",
        f"... on Condition {{ {fields} patient {{ id }} }}",
        *({"__typename": "Condition", "id": node["id"]} for node in nodes),
    )
    assert [{k: v for k, v in found.items() if k != "patient"} for found in by_id.data] == nodes
    assert {found["patient"]["id"] for found in by_id.data} == {patient["id"]}


async def test_sensitive_problems_are_the_patient_s_alone(graph):
    patients = await graph.patients(200)
    query = "... on Patient { conditions { nodes { securityLabels { code } } } }"
    seen = await graph.entities("records", query, *patients)
    labels = [
        label["code"]
        for found in seen.data
        for node in found["conditions"]["nodes"]
        for label in node["securityLabels"]
    ]
    assert "R" not in labels
    hidden = {r.patient for r in seen.report.refusals if r.reason == "label"}
    assert hidden
    # Someone with a hidden problem, as herself.
    own = next(p for p in patients if p["id"] in hidden)
    (launch, *_) = graph.links(own)
    herself = Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient="/".join(launch))
    mine = await graph.entities("records", query, own, caller=herself)
    assert any(node["securityLabels"] for node in mine.data[0]["conditions"]["nodes"])


async def test_a_granular_scope_shows_its_categories_only(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    scope = "user/Condition.rs?category=http://terminology.hl7.org/CodeSystem/condition-category|{}"
    query = "... on Patient { conditions { nodes { id category { coding { code } } } } }"
    for category in ("problem-list-item", "encounter-diagnosis", "health-concern"):
        caller = Caller("c", roles=("clinician",), scopes=(scope.format(category),))
        narrowed = await graph.entities("records", query, patient, caller=caller)
        everything = await graph.entities("records", query, patient)
        assert narrowed.data[0]["conditions"]["nodes"] == [
            node
            for node in everything.data[0]["conditions"]["nodes"]
            if any(c["code"] == category for each in node["category"] for c in each["coding"])
        ]
    assert everything.data[0]["conditions"]["nodes"]


@pytest.mark.parametrize(
    ("outage", "state"),
    [("refuse", "UNAVAILABLE"), ("503", "UNAVAILABLE"), ("html", "INVALID")],
)
async def test_one_ehr_down_leaves_the_other(graph, calm_sandbox, outage, state):
    patient = await graph.patient("ehr-a", graph.launch)
    query = """... on Patient { conditions {
      nodes { provenance { source } } sources { source state } } }"""
    with calm_sandbox.broken("ehr-a", outage=outage):
        answer = await graph.entities("records", query, patient)
    conditions = answer.data[0]["conditions"]
    assert not answer.errors
    assert {s["source"]: s["state"] for s in conditions["sources"]} == {
        "ehr-a": state,
        "ehr-b": "OK",
    }
    assert {p["source"] for n in conditions["nodes"] for p in n["provenance"]} == {"ehr-b"}
