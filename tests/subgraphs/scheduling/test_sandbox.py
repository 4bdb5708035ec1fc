"""Appointments over the sandbox, and the keys to their video visits."""

from contract.keys import derive_key
from subgraphs.runtime.visit_key import VisitKeys

FIELDS = "id status start isVirtual visitKey description participants { kind name status }"


async def appointments(graph, patient, arguments=""):
    selection = f"... on Patient {{ appointments{arguments} {{ nodes {{ {FIELDS} }} }} }}"
    answer = await graph.entities("scheduling", selection, patient)
    assert not answer.errors
    return answer.data[0]["appointments"]["nodes"]


async def test_the_next_one_is_the_first_ahead(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.reset_calls()
    answer = await graph.entities(
        "scheduling",
        f"... on Patient {{ nextAppointment {{ {FIELDS} patient {{ id }} }} "
        "appointments { nodes { id status start } } }",
        patient,
    )
    assert not answer.errors
    for source in ("ehr-a", "ehr-b"):
        # One for what lies ahead, one for the whole list.
        assert calm_sandbox.calls()[source]["calls"]["search"] == {"Appointment": 2}
    (found,) = answer.data
    booked = [n for n in found["appointments"]["nodes"] if n["status"] == "booked"]
    assert len(booked) == 2
    assert found["nextAppointment"]["id"] == min(booked, key=lambda node: node["start"])["id"]
    assert found["nextAppointment"]["patient"]["id"] == patient["id"]
    assert found["nextAppointment"]["isVirtual"] is True
    kinds = {p["kind"] for p in found["nextAppointment"]["participants"]}
    assert kinds == {"Patient", "Practitioner"}


async def test_no_next_one_is_said_only_by_those_who_know(graph, calm_sandbox):
    """With the source of the only one ahead down, there is an error, not a null alone."""
    query = f"... on Patient {{ nextAppointment {{ {FIELDS} }} }}"
    everyone = await graph.patients(50)
    both = {"ehr-a", "ehr-b"}
    patients = [p for p in everyone if both <= {link.source for link in graph.links(p)}]
    calm_sandbox.set_faults("ehr-a", outage="503")
    answer = await graph.entities("scheduling", query, *patients)
    for place, found in enumerate(answer.data):
        errors = [e for e in answer.errors if e["path"][1] == place]
        assert (found["nextAppointment"] is None) == bool(errors)
        assert all(e["extensions"]["source"] == "ehr-a" for e in errors)
    assert 0 < len(answer.errors) < len(patients)


async def test_a_visit_key_opens_for_its_own_appointment_only(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    nodes = await appointments(graph, patient)
    virtual = [node for node in nodes if node["isVirtual"]]
    assert virtual
    assert all(node["visitKey"] is None for node in nodes if not node["isVirtual"])
    keys = VisitKeys(derive_key(b"m" * 32, "seal:links"))
    key = keys.open(virtual[0]["id"], virtual[0]["visitKey"])
    assert key is not None
    assert key.visit.startswith("visit-")
    assert (key.patient, key.links) == (patient["id"], graph.links(patient))
    assert [link.source for link in key.practitioners] == ["ehr-a"]
    assert keys.open(nodes[-1]["id"] + "x", virtual[0]["visitKey"]) is None


async def test_filters_by_time_and_status(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    everything = await appointments(graph, patient)
    assert [n["start"] for n in everything] == sorted(
        (n["start"] for n in everything), reverse=True
    )
    cancelled = await appointments(graph, patient, '(status: ["cancelled"])')
    assert cancelled == [n for n in everything if n["status"] == "cancelled"] != []
    middle = everything[len(everything) // 2]["start"]
    later = await appointments(graph, patient, f'(from: "{middle}")')
    assert later == [n for n in everything if n["start"] >= middle]


async def test_fifty_patients_take_one_call_per_source(graph, calm_sandbox):
    patients = await graph.patients(50)
    calm_sandbox.reset_calls()
    answer = await graph.entities(
        "scheduling", "... on Patient { nextAppointment { start } }", *patients
    )
    assert not answer.errors
    assert sum(found["nextAppointment"] is not None for found in answer.data) > 10
    for source in ("ehr-a", "ehr-b"):
        calls = calm_sandbox.calls()[source]["calls"]
        assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) == 1


async def test_an_appointment_is_found_by_id(graph):
    patient = await graph.patient("ehr-a", graph.launch)
    nodes = await appointments(graph, patient)
    answer = await graph.entities(
        "scheduling",
        f"... on Appointment {{ {FIELDS} }}",
        *({"__typename": "Appointment", "id": node["id"]} for node in nodes),
    )
    assert answer.data == nodes


async def test_all_sources_down_is_an_error(graph, calm_sandbox):
    patient = await graph.patient("ehr-a", graph.launch)
    calm_sandbox.set_faults("ehr-a", outage="refuse")
    calm_sandbox.set_faults("ehr-b", outage="503")
    answer = await graph.entities(
        "scheduling", "... on Patient { nextAppointment { start } }", patient
    )
    assert answer.data[0]["nextAppointment"] is None
    assert answer.codes == ["SOURCE_UNAVAILABLE"]
    assert answer.errors[0]["extensions"]["source"] == "ehr-a"
