"""The batching promise: upstream calls depend on sources and types, not on how many patients."""

import asyncio

A1C = "http://loinc.org|4548-4"
SUMMARY = {
    "records": """... on Patient {
      conditions(clinicalStatus: ["active"]) { nodes { id } } allergies { nodes { id } } }""",
    "diagnostics": """... on Patient {
      latestObservations(category: LABORATORY) { nodes { id } } }""",
    "medications": """... on Patient {
      medicationRequests(status: ["active"]) { nodes { id medication { rxcui } } } }""",
    "scheduling": "... on Patient { nextAppointment { id visitKey } }",
    "coverage": """... on Patient { coverages { nodes {
      id payer { name } eligibility { deductible { remaining { value } } } } } }""",
}
WORKLIST = {
    "diagnostics": f"""... on Patient {{
      latestObservations(codes: ["{A1C}"]) {{ nodes {{ id }} }} }}""",
    "scheduling": "... on Patient { nextAppointment { id } }",
    "coverage": "... on Patient { coverages { nodes { payer { name } } } }",
}


async def fetch(graph, selections, patients):
    """One entity fetch in each subgraph, all at once, as the gateway plans it."""
    answers = await asyncio.gather(
        *(graph.entities(name, selection, *patients) for name, selection in selections.items())
    )
    assert [answer.errors for answer in answers] == [[]] * len(answers)
    return dict(zip(selections, answers, strict=True))


def data_calls(sandbox):
    """What each upstream was asked for, without its metadata, tokens and keys."""
    kinds = ("search", "batch", "read", "x12", "visits")
    return {
        source: {
            f"{kind} {subject}": count
            for kind in kinds
            for subject, count in report["calls"].get(kind, {}).items()
        }
        for source, report in sandbox.calls().items()
        if source != "issuer"
    }


async def test_a_summary_asks_each_source_once_for_each_type(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.reset_calls()
    answers = await fetch(graph, SUMMARY, [patient])
    (booked,) = answers["scheduling"].data
    visit = await graph.entities(
        "telehealth",
        "... on Appointment { virtualVisit { status joinUrl } }",
        {"__typename": "Appointment", **booked["nextAppointment"]},
    )
    assert not visit.errors
    assert visit.data[0]["virtualVisit"]["joinUrl"].startswith("http")
    asked = data_calls(calm_sandbox)
    assert {count for calls in asked.values() for count in calls.values()} == {1}
    ehr = {"search Condition", "search AllergyIntolerance", "search Observation"}
    ehr |= {"search MedicationRequest", "search Appointment"}
    assert asked["ehr-a"].keys() == asked["ehr-b"].keys() == ehr
    assert len(asked["telehealth"]) == len(asked["payer-x12"]) == 1


async def test_a_worklist_of_fifty_takes_at_most_eight_calls(graph, calm_sandbox):
    patients = await graph.patients(50)
    assert len(patients) == 50
    await fetch(graph, WORKLIST, patients)  # capabilities are read once and remembered
    calm_sandbox.reset_calls()
    await fetch(graph, WORKLIST, patients)
    asked = data_calls(calm_sandbox)
    total = sum(count for calls in asked.values() for count in calls.values())
    assert total <= 8, asked
    everything = sum(report["total"] for report in calm_sandbox.calls().values())
    assert everything == total


async def test_five_patients_take_as_many_calls_as_fifty(graph, calm_sandbox):
    patients = await graph.patients(50)
    totals = []
    for some in (patients[:5], patients):
        calm_sandbox.reset_calls()
        await fetch(graph, WORKLIST, some)
        asked = data_calls(calm_sandbox)
        totals.append(sum(count for calls in asked.values() for count in calls.values()))
    assert totals[0] <= totals[1] <= 8
