"""One patient, several sources, one graph: through the running demo, as a user meets it."""

from __future__ import annotations

import shutil

import pytest

from contract.errors import Code
from tests.plugins.demo import running_demo

PANEL = 50
WORKLIST_CALLS = 8
EHRS = ("ehr-a", "ehr-b")


def sources_of(value):
    """Every source that a provenance or a list of sources in an answer names."""
    if isinstance(value, dict):
        own = {value["source"]} if "source" in value else set()
        return own.union(*(sources_of(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(sources_of(each) for each in value))
    return set()


def upstream_calls(demo):
    """By source and resource type, without tokens and metadata.

    And without consents, which are read for a decision and remembered by the clock.
    """
    calls = {}
    for source, counted in demo.sandbox.calls().items():
        for kind, by_type in counted["calls"].items():
            if kind in ("token", "metadata"):
                continue
            for type_, number in by_type.items():
                if type_ == "Consent":
                    continue
                calls[source, type_] = calls.get((source, type_), 0) + number
    return calls


@pytest.fixture
def launch_patient(demo):
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


def test_the_summary_holds_what_at_least_three_upstreams_know(demo, launch_patient):
    answer = demo.run("patient-summary", id=launch_patient)
    assert "errors" not in answer
    patient = answer["data"]["patient"]
    assert {"ehr-a", "ehr-b", "payer"} <= sources_of(patient)
    assert patient["name"]["text"]
    assert patient["conditions"]["nodes"]
    taken = patient["medicationRequests"]["nodes"]
    assert {each["medication"]["rxcui"] for each in taken} == {"860975", "314076", "617310"}
    assert any(each["conflicts"] for each in taken)
    assert patient["latestObservations"]["nodes"]
    (coverage, *_) = patient["coverages"]["nodes"]
    assert coverage["eligibility"]["deductible"]["total"]["value"]
    assert patient["nextAppointment"]["virtualVisit"]["joinUrl"].startswith("http")


def test_a_summary_asks_each_source_at_most_once_for_each_type(demo, launch_patient):
    demo.sandbox.reset_calls()
    demo.run("patient-summary", id=launch_patient)
    calls = upstream_calls(demo)
    assert {source for source, _ in calls} >= {"ehr-a", "ehr-b", "payer", "payer-x12", "telehealth"}
    assert max(calls.values()) == 1, calls
    assert all(calls[ehr, "MedicationRequest"] == 1 for ehr in EHRS)
    assert not any(type_ == "Medication" for _, type_ in calls), "they come along"


def test_a_lab_trend_asks_each_ehr_once_and_is_of_one_unit(demo, launch_patient):
    chart = {"id": launch_patient, "from": "2020-01-01"}
    demo.run("lab-trend", **chart)
    demo.sandbox.reset_calls()
    answer = demo.run("lab-trend", **chart)
    assert "errors" not in answer
    points = answer["data"]["patient"]["observations"]["nodes"]
    units = {(point["analyte"], point["normalized"]["unit"]) for point in points}
    assert units == {("A1C", "%"), ("LDL", "mg/dL"), ("EGFR", "mL/min/{1.73_m2}")}
    assert upstream_calls(demo) == {(ehr, "Observation"): 1 for ehr in EHRS}


def test_the_worklist_of_fifty_makes_at_most_eight_calls(demo):
    answer, calls = worklist(demo)
    assert sum(calls.values()) <= WORKLIST_CALLS, calls
    assert {source for source, _ in calls} == {"ehr-a", "ehr-b", "payer"}
    assert sum(bool(each["latestObservations"]["nodes"]) for each in answer) > 5
    assert sum(bool(each["nextAppointment"]) for each in answer) > 5


def another_demo(home, demo):
    """With the same key, by which people are put in the same order."""
    shutil.copy(demo.home / "master.key", home)
    return running_demo(home)


@pytest.mark.parametrize("offered", ["multiple_or", "batch"])
def test_eight_calls_are_enough_where_only_one_way_of_batching_is_offered(demo, offered, tmp_path):
    refused = {"multiple_or": "batch", "batch": "multiple_or"}[offered]
    # A demo of its own: what an upstream refuses is remembered for as long as the process lives.
    with another_demo(tmp_path, demo) as other:
        # Whom its first page lists is as they came in, and so this demo's own.
        expected, _ = worklist(other)
        for ehr in EHRS:
            other.sandbox.set_faults(ehr, **{refused: False})
        worklist(other)
        answer, calls = worklist(other)
        assert sum(calls.values()) <= WORKLIST_CALLS, calls
        assert without_ids(answer) == without_ids(expected)


def test_where_neither_is_offered_each_patient_costs_one_call_per_source_and_type(demo, tmp_path):
    with another_demo(tmp_path, demo) as other:
        # Whom its first page lists is as they came in, and so this demo's own.
        expected, _ = worklist(other)
        for ehr in EHRS:
            other.sandbox.set_faults(ehr, multiple_or=False, batch=False)
        worklist(other)
        answer, calls = worklist(other)
    assert max(calls.values()) <= PANEL, calls
    assert {type_ for source, type_ in calls if source in EHRS} == {"Observation", "Appointment"}
    assert without_ids(answer) == without_ids(expected)


def worklist(demo):
    """The rows of the worklist, and what it cost upstream once credentials are at hand."""
    demo.run("worklist", first=PANEL)
    demo.sandbox.reset_calls()
    answer = demo.run("worklist", first=PANEL)
    assert "errors" not in answer
    nodes = answer["data"]["patients"]["nodes"]
    assert len(nodes) == PANEL
    return nodes, upstream_calls(demo)


def without_ids(value):
    """Ids are sealed with the folder's own key, so two demos share none."""
    if isinstance(value, dict):
        return {key: without_ids(each) for key, each in value.items() if key != "id"}
    if isinstance(value, list):
        return sorted((without_ids(each) for each in value), key=str)
    return value


def test_with_the_payer_down_the_clinical_part_still_answers(demo, launch_patient):
    whole = demo.run("patient-summary", id=launch_patient)["data"]["patient"]
    for upstream in ("payer", "payer-x12"):
        demo.sandbox.set_faults(upstream, outage="503")
    answer = demo.run("patient-summary", id=launch_patient)
    patient = answer["data"]["patient"]
    assert patient.pop("coverages") is None
    del whole["coverages"]
    assert clinical(patient) == clinical(whole)
    (error,) = answer["errors"]
    assert error["path"] == ["patient", "coverages"]
    assert error["extensions"]["code"] == Code.SOURCE_UNAVAILABLE
    assert error["extensions"]["source"] == "payer"
    assert patient["name"]["text"] not in str(error)


def clinical(patient):
    """The answer without the moments at which it was obtained."""
    if isinstance(patient, dict):
        moments = ("asOf", "receivedAt", "joinUrl")
        return {k: clinical(v) for k, v in patient.items() if k not in moments}
    return [clinical(each) for each in patient] if isinstance(patient, list) else patient


def test_a_patient_sees_her_own_record_and_nobody_else_s(demo, launch_patient):
    own = demo.run("patient-summary", persona="patient", id=launch_patient)
    assert own["data"]["patient"]["name"]["text"]
    others = [each["id"] for each in demo.patients() if each["id"] != launch_patient]
    for other in others[:5]:
        answer = demo.run("patient-summary", persona="patient", id=other)
        assert answer == {"data": {"patient": None}}
    assert [each["id"] for each in demo.patients(persona="patient")] == [launch_patient]


def test_a_partner_limited_to_vital_signs_gets_no_laboratory_values(demo, launch_patient):
    query = (
        "query($id: ID!) { patient(id: $id) { observations(first: 100)"
        " { nodes { category { coding { code } } } } } }"
    )
    answer = demo.ask(query, {"id": launch_patient}, persona="partner")
    nodes = answer["data"]["patient"]["observations"]["nodes"]
    assert nodes
    for node in nodes:
        assert "vital-signs" in {c["code"] for each in node["category"] for c in each["coding"]}
