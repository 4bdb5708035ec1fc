"""An appointment whose label closes it is closed on every way to it, and leaves no trace."""

from __future__ import annotations

from uuid import uuid4

import pytest

from contract.context import Caller
from subgraphs.runtime.sealing import RecordRef
from tests.subgraphs.scheduling.test_booking import CANCEL, MOVE
from tests.subgraphs.scheduling.test_calendars import DAY, clinician_of, days, held

OWN = "... on Patient { appointments { nodes { id } } nextAppointment { id } }"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


@pytest.fixture
async def withheld(graph, calm_sandbox):
    """One of the clinician's own patients, an appointment with her that only the two may know of
    and that its EHR has labelled, and its sealed id."""
    caller = clinician_of(calm_sandbox)
    doctor = caller.fhir_user.removeprefix("ehr-a/")
    token = calm_sandbox.system_token("system/*.cruds")
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    rows = held(calm_sandbox, "ehr-a", "Appointment", practitioner=doctor)
    patients = {
        actor["actor"]["reference"]
        for row in rows
        for actor in row["participant"]
        if actor["actor"]["reference"].startswith("Patient/")
    } - {f"Patient/{graph.launch}"}
    whose = min(patients)
    resource = {
        "resourceType": "Appointment",
        "status": "booked",
        "meta": {"security": [{"system": ACT_CODE, "code": "PSY"}]},
        "start": days(2, 3)["from"].replace("T00:", "T05:"),
        "end": days(2, 3)["from"].replace("T00:", "T06:"),
        "participant": [
            {"actor": {"reference": whose}, "status": "accepted"},
            {"actor": {"reference": doctor}, "status": "accepted"},
        ],
    }
    url = f"{calm_sandbox.url('ehr-a')}/Appointment"
    made = calm_sandbox.http.post(url, json=resource, headers=headers).raise_for_status().json()
    id_ = whose.removeprefix("Patient/")
    ref = RecordRef("ehr-a", "Appointment", made["id"], id_)
    yield caller, id_, graph.apps["scheduling"].subgraph.ids.seal("scheduling", ref)
    gone = {**made, "status": "entered-in-error"}
    calm_sandbox.http.put(f"{url}/{made['id']}", json=gone, headers=headers).raise_for_status()


async def test_it_is_closed_on_every_way(graph, calm_sandbox, withheld):
    caller, patient, sealed = withheld
    representation = await graph.patient("ehr-a", patient)
    answer = await graph.entities("scheduling", OWN, representation, caller=caller)
    listed = [node["id"] for node in answer.data[0]["appointments"]["nodes"]]
    following = answer.data[0]["nextAppointment"]
    day = await graph.ask("scheduling", DAY, caller, **days(2, 3))
    seen = [node["id"] for node in day.data["myAppointments"]["nodes"]]
    assert sealed not in [*listed, *seen, following and following["id"]]
    assert len(seen) == sum(
        row["status"] != "entered-in-error" and not row["meta"].get("security")
        for row in held(
            calm_sandbox,
            "ehr-a",
            "Appointment",
            practitioner=caller.fhir_user.removeprefix("ehr-a/"),
            date=[f"ge{days(2, 3)['from'][:10]}", f"lt{days(2, 3)['to'][:10]}"],
        )
    )
    by_id = await graph.entities(
        "scheduling",
        "... on Appointment { id }",
        {"__typename": "Appointment", "id": sealed},
        caller=caller,
    )
    assert (by_id.data, by_id.codes) == ([None], ["NOT_FOUND"])


@pytest.mark.parametrize(("document", "more"), [(CANCEL, {}), (MOVE, {"slot": "x"})])
async def test_nor_is_it_changed_by_who_may_not_see_it(graph, withheld, document, more):
    caller, _, sealed = withheld
    scheduler = Caller(
        subject="d", roles=("scheduler",), scopes=("user/*.rs", "user/Appointment.cu")
    )
    for asking in (scheduler, caller):
        given = {"idempotencyKey": uuid4().hex, "appointment": sealed, **more}
        answer = await graph.ask("scheduling", document, asking, **{"in": given})
        assert [outcome["__typename"] for outcome in answer.data.values()] == ["NotFound"]


async def test_the_patient_herself_sees_it(graph, withheld):
    _, patient, sealed = withheld
    herself = Caller(
        subject="p",
        roles=("patient",),
        scopes=("patient/*.rs",),
        patient=f"ehr-a/{patient}",
        fhir_user=f"ehr-a/Patient/{patient}",
    )
    representation = await graph.patient("ehr-a", patient)
    answer = await graph.entities("scheduling", OWN, representation, caller=herself)
    assert sealed in [node["id"] for node in answer.data[0]["appointments"]["nodes"]]
