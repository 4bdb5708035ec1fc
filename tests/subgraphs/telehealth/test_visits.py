"""Video visits: the patient's door, the host's door, and who gets neither."""

from dataclasses import replace

import msgspec
import pytest

from contract.context import Caller
from tests.subgraphs.telehealth.graph import ADA_HERSELF, HOST, subgraph, virtual_visits, visit

EVERYTHING = "status startsAt endsAt joinUrl hostUrl provenance { source method receivedAt }"


async def test_shows_the_host_both_doors():
    graph = subgraph("v1")
    answer = await graph.ask(EVERYTHING, graph.appointment("v1"))
    assert "errors" not in answer
    assert virtual_visits(answer) == [
        {
            "status": "SCHEDULED",
            "startsAt": "2026-11-23T09:00:00Z",
            "endsAt": "2026-11-23T09:30:00Z",
            "joinUrl": "https://vendor.example/v1?guest=1",
            "hostUrl": "https://vendor.example/v1?host=secret",
            "provenance": [
                {
                    "source": "telehealth",
                    "method": "REST",
                    "receivedAt": "2026-11-22T00:00:00Z",
                }
            ],
        }
    ]
    assert (answer["report"].patients, answer["report"].refusals) == (("ada",), ())


@pytest.mark.parametrize(
    "caller",
    [
        pytest.param(ADA_HERSELF, id="the patient"),
        pytest.param(
            msgspec.structs.replace(HOST, fhir_user="ehr-a/Practitioner/other"), id="a colleague"
        ),
        pytest.param(
            msgspec.structs.replace(HOST, fhir_user="ehr-b/Practitioner/dr"), id="of another house"
        ),
        pytest.param(
            msgspec.structs.replace(HOST, fhir_user="ehr-a/Patient/dr"), id="of another type"
        ),
        pytest.param(msgspec.structs.replace(HOST, fhir_user=None), id="nobody known"),
    ],
)
async def test_shows_the_hosts_door_to_no_one_else(caller):
    graph = subgraph("v1")
    answer = await graph.ask("joinUrl hostUrl", graph.appointment("v1"), caller=caller)
    assert virtual_visits(answer) == [
        {"joinUrl": "https://vendor.example/v1?guest=1", "hostUrl": None}
    ]
    assert [refusal.reason for refusal in answer["report"].refusals] == ["host-only"]


async def test_another_patients_visit_is_none():
    bob = msgspec.structs.replace(ADA_HERSELF, patient="ehr-a/e-bob", fhir_user=None)
    graph = subgraph("v1")
    answer = await graph.ask(EVERYTHING, graph.appointment("v1"), caller=bob)
    assert virtual_visits(answer) == [None]
    assert graph.asked == []
    assert [refusal.reason for refusal in answer["report"].refusals] == ["compartment"]


async def test_without_a_scope_for_appointments_there_is_none():
    caller = Caller(subject="x", roles=("clinician",), scopes=("user/Patient.rs",))
    graph = subgraph("v1")
    assert virtual_visits(await graph.ask("id", graph.appointment("v1"), caller=caller)) == [None]


async def test_fifty_visits_take_one_call():
    ids = [f"v{number}" for number in range(50)]
    graph = subgraph(*ids)
    answer = await graph.ask("id joinUrl", *map(graph.appointment, ids))
    visits = virtual_visits(answer)
    assert len({each["id"] for each in visits}) == 50
    assert [each["joinUrl"] for each in visits] == [visit(id_)["join_url"] for id_ in ids]
    assert len(graph.asked) == 1


async def test_an_appointment_in_person_has_none():
    graph = subgraph("v1")
    answer = await graph.ask("id", graph.appointment("v1", visitKey=None))
    assert (virtual_visits(answer), graph.asked) == ([None], [])
    assert "errors" not in answer


async def test_a_visit_the_vendor_does_not_know_is_none():
    graph = subgraph()
    assert virtual_visits(await graph.ask("id", graph.appointment("gone"))) == [None]


async def test_the_key_of_another_appointment_opens_nothing():
    graph = subgraph("v1", "v2")
    stolen = graph.appointment("v1", id="another appointment")
    forged = graph.appointment("v2", visitKey="forged")
    answer = await graph.ask("id", stolen, forged)
    assert virtual_visits(answer) == [None, None]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"NOT_FOUND"}
    assert graph.asked == []


async def test_an_appointment_without_its_key_does_not_cost_the_others_their_visit():
    graph = subgraph("v1")
    broken = ({"__typename": "Appointment"}, graph.appointment("v1", visitKey=7))
    answer = await graph.ask("id", graph.appointment("v1"), *broken)
    first, *others = answer["data"]["_entities"]
    assert first["virtualVisit"]["id"]
    assert others == [None, None]
    assert [e["extensions"]["code"] for e in answer["errors"]] == ["BAD_REQUEST"] * 2


async def test_a_status_nobody_here_knows_is_null():
    graph = subgraph("v1")
    graph.visits["v1"]["status"] = "exploded"
    assert virtual_visits(await graph.ask("status", graph.appointment("v1"))) == [{"status": None}]


async def test_a_vendor_that_is_down_is_named():
    graph = replace(subgraph("v1"), status=503)
    answer = await graph.ask("id", graph.appointment("v1"))
    assert virtual_visits(answer) == [None]
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert error["extensions"]["source"] == "telehealth"
