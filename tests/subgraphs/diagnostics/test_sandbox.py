"""Observations and reports over the sandbox: calls, merging, the newest of each code."""

from decimal import Decimal

import pytest

from contract.context import Caller

A1C = "http://loinc.org|4548-4"
CREATININE = "http://loinc.org|2160-0"
FIELDS = """id code { coding { system code } } effective valueQuantity { value unit code }
  components { code { coding { code } } valueQuantity { value } } encounter { id }
  category { coding { code } } provenance { source }"""


async def observations(graph, patients, arguments, field="observations", caller=None):
    selection = f"""... on Patient {{ {field}{arguments} {{
      nodes {{ {FIELDS} }} pageInfo {{ hasNextPage }} sources {{ source state }} }} }}"""
    extra = {"caller": caller} if caller else {}
    answer = await graph.entities("diagnostics", selection, *patients, **extra)
    assert not answer.errors
    return [found[field]["nodes"] for found in answer.data]


def code_of(node):
    return node["code"]["coding"][0]["code"]


def calls(sandbox):
    return {
        source: sum(
            count
            for kind in ("search", "batch", "read")
            for count in sandbox.calls()[source]["calls"].get(kind, {}).values()
        )
        for source in ("ehr-a", "ehr-b")
    }


async def test_the_newest_of_each_code_for_a_summary(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.reset_calls()
    (latest,) = await observations(graph, [patient], "(category: LABORATORY)", "latestObservations")
    assert calls(calm_sandbox) == {"ehr-a": 1, "ehr-b": 1}
    (everything,) = await observations(graph, [patient], "(category: LABORATORY, first: 200)")
    newest = {}
    for node in reversed(everything):  # newest first, so the newest of a code comes last here
        newest[code_of(node)] = node
    assert {code_of(n): n["effective"] for n in latest} == {
        code: node["effective"] for code, node in newest.items()
    }
    assert len(latest) == len(newest) > 3


async def test_a_worklist_s_last_a1c_takes_one_call_per_source(graph, calm_sandbox):
    patients = await graph.patients(50)
    calm_sandbox.reset_calls()
    found = await observations(graph, patients, f'(codes: ["{A1C}"])', "latestObservations")
    assert all(count <= 2 for count in calls(calm_sandbox).values())
    assert {len(nodes) for nodes in found} == {0, 1}
    everything = await observations(graph, patients, f'(codes: ["{A1C}"], first: 200)')
    assert [nodes[:1] and nodes[0]["effective"] for nodes in found] == [
        nodes[:1] and nodes[0]["effective"] for nodes in everything
    ]


async def test_several_codes_of_one_patient_are_one_search(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.reset_calls()
    arguments = f'(codes: ["{A1C}", "{CREATININE}"])'
    (found,) = await observations(graph, [patient], arguments, "latestObservations")
    assert calls(calm_sandbox) == {"ehr-a": 1, "ehr-b": 1}
    assert {code_of(node) for node in found} <= {"4548-4", "2160-0"}
    assert len(found) == 2


async def test_a_result_both_ehrs_keep_is_one(graph):
    shared = [p for p in graph.truth["people"] if {"ehr-a", "ehr-b"} <= p["ids"].keys()]
    patients = [await graph.patient("ehr-a", p["ids"]["ehr-a"]) for p in shared]
    found = await observations(graph, patients, f'(codes: ["{A1C}"], first: 200)')
    both = [n for nodes in found for n in nodes if len(n["provenance"]) == 2]
    assert both
    for nodes in found:
        moments = [(node["effective"], node["valueQuantity"]["value"]) for node in nodes]
        assert len(moments) == len(set(moments))


async def test_values_are_exact_and_components_are_there(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    (vitals,) = await observations(graph, [patient], "(category: VITAL_SIGNS, first: 200)")
    assert {c["code"] for n in vitals for cat in n["category"] for c in cat["coding"]} >= {
        "vital-signs"
    }
    pressure = next(node for node in vitals if node["components"])
    assert [part["code"]["coding"][0]["code"] for part in pressure["components"]] == [
        "8480-6",
        "8462-4",
    ]
    assert all(Decimal(part["valueQuantity"]["value"]) for part in pressure["components"])
    assert any("." in n["valueQuantity"]["value"] for n in vitals if n["valueQuantity"])


async def test_the_encounter_is_the_one_records_knows(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    (vitals,) = await observations(graph, [patient], "(category: VITAL_SIGNS, first: 3)")
    ids = {node["encounter"]["id"] for node in vitals}
    answer = await graph.entities(
        "records",
        "... on Encounter { id patient { id } status }",
        *({"__typename": "Encounter", "id": id_} for id_ in ids),
    )
    assert not answer.errors
    assert {found["id"] for found in answer.data} == ids
    assert {found["patient"]["id"] for found in answer.data} == {patient["id"]}


async def test_a_partner_sees_vital_signs_only(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    partner = Caller(
        "a",
        roles=("partner-app",),
        scopes=("patient/Patient.rs", "patient/Observation.rs?category=vital-signs"),
        patient=f"ehr-a/{graph.launch}",
    )
    (seen,) = await observations(graph, [patient], "(first: 200)", caller=partner)
    assert seen
    assert all(
        "vital-signs" in [c["code"] for cat in node["category"] for c in cat["coding"]]
        for node in seen
    )
    (labs,) = await observations(graph, [patient], "(category: LABORATORY)", caller=partner)
    assert labs == []


async def test_reports_gather_their_results(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    selection = """... on Patient { diagnosticReports { nodes {
      id code { text } results { id code { coding { code } } } patient { id } } } }"""
    answer = await graph.entities("diagnostics", selection, patient)
    assert not answer.errors
    reports = answer.data[0]["diagnosticReports"]["nodes"]
    assert reports
    assert all(len(report["results"]) > 1 for report in reports)
    by_id = await graph.entities(
        "diagnostics",
        "... on DiagnosticReport { id results { id } }",
        {"__typename": "DiagnosticReport", "id": reports[0]["id"]},
    )
    assert [r["id"] for r in by_id.data[0]["results"]] == [r["id"] for r in reports[0]["results"]]


@pytest.mark.parametrize("codes", [["a,b"], ["a b"], [""], ["|"], ["a,b", "none such"]])
async def test_nothing_has_a_code_that_is_none(graph, codes):
    patient = await graph.patient("ehr-a", graph.launch)
    query = """query($r:[_Any!]!,$c:[String!]){_entities(representations:$r){
      ... on Patient { observations(codes:$c) { nodes { id } }
        latestObservations(codes:$c) { nodes { id } } } }}"""
    answer = await graph.ask("diagnostics", query, r=[patient], c=codes)
    assert answer.codes == []
    assert answer.data["_entities"] == [
        {"observations": {"nodes": []}, "latestObservations": {"nodes": []}}
    ]


@pytest.mark.parametrize("codes", [[str(i) for i in range(51)]])
async def test_refuses_more_codes_than_it_takes(graph, codes):
    patient = await graph.patient("ehr-a", graph.launch)
    query = """query($r:[_Any!]!,$c:[String!]){_entities(representations:$r){
      ... on Patient { observations(codes:$c) { nodes { id } } } }}"""
    answer = await graph.ask("diagnostics", query, r=[patient], c=codes)
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_without_lists_and_batches_the_answer_is_the_same(graph, calm_sandbox):
    patients = (await graph.patients(50))[:6]
    arguments = f'(codes: ["{A1C}", "{CREATININE}"])'
    expected = await observations(graph, patients, arguments, "latestObservations")
    calm_sandbox.set_faults("ehr-a", multiple_or=False, batch=False)
    calm_sandbox.set_faults("ehr-b", multiple_or=False, batch=False)
    assert await observations(graph, patients, arguments, "latestObservations") == expected
    single = await observations(graph, patients[:1], arguments, "latestObservations")
    assert single == expected[:1]
