"""Telehealth over the sandbox's vendor, by the keys that scheduling seals."""

import msgspec

from tests.subgraphs.telehealth.graph import HOST

BOOKED = "... on Patient { appointments { nodes { id visitKey } } }"
VISIT = "... on Appointment { virtualVisit { id status startsAt joinUrl hostUrl } }"


async def virtual_appointments(graph, count: int) -> list[dict]:
    """As the gateway would hand them over; ehr-a's launch patient has the first."""
    patients = [await graph.patient("ehr-a", graph.launch), *await graph.patients(count)]
    answer = await graph.entities("scheduling", BOOKED, *patients)
    nodes = [node for patient in answer.data for node in patient["appointments"]["nodes"]]
    virtual = {node["id"]: node for node in nodes if node["visitKey"]}
    assert virtual
    return [{"__typename": "Appointment", **node} for node in virtual.values()]


async def test_every_patients_visits_in_one_call(graph, calm_sandbox):
    appointments = await virtual_appointments(graph, 50)
    assert len(appointments) >= 10
    calm_sandbox.reset_calls()
    answer = await graph.entities("telehealth", VISIT, *appointments, caller=HOST)
    assert not answer.errors
    visits = [each["virtualVisit"] for each in answer.data]
    assert all(visit["joinUrl"] and visit["status"] for visit in visits)
    assert {visit["hostUrl"] for visit in visits} == {None}
    assert calm_sandbox.calls()["telehealth"]["total"] == 1


async def test_the_clinician_of_the_appointment_gets_the_hosts_door(graph, calm_sandbox):
    appointments = await virtual_appointments(graph, 50)
    persona = calm_sandbox.ready["personas"]["clinician"]
    caller = msgspec.structs.replace(HOST, fhir_user=f"ehr-a/{persona['fhir_user']}")
    answer = await graph.entities("telehealth", VISIT, *appointments, caller=caller)
    doors = [each["virtualVisit"]["hostUrl"] for each in answer.data]
    # The sandbox's clinician has some of the visits, and colleagues have the others.
    assert any(doors)
    assert not all(doors)


async def test_the_vendor_down(graph, calm_sandbox):
    appointment, *_ = await virtual_appointments(graph, 1)
    with calm_sandbox.broken("telehealth", outage="503"):
        answer = await graph.entities("telehealth", VISIT, appointment, caller=HOST)
    assert answer.data == [{"virtualVisit": None}]
    assert answer.codes == ["SOURCE_UNAVAILABLE"]
