"""Who is let in, by which door, and from when on; several vendors side by side."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from subgraphs.connectors.errors import TimedOut
from subgraphs.connectors.telehealth.visit import Door, Visit
from subgraphs.runtime.scalars import exact
from subgraphs.runtime.sealing import RecordRef
from subgraphs.telehealth.model import PushedStatus
from subgraphs.telehealth.sources.notices import NoticeBoard
from subgraphs.telehealth.sources.vendor import VideoVendor
from tests.subgraphs.signed import KEY, NOW, post
from tests.subgraphs.telehealth.graph import ADA_HERSELF, HOST, subgraph, virtual_visits

JOIN = """mutation($in: JoinVirtualVisitInput!) { joinVirtualVisit(input: $in) { __typename
  ... on VirtualVisitDoor { url token room identity expiresAt asHost }
  ... on StateConflict { code } ... on Denied { code } ... on UpstreamRefused { source code }
  ... on NotFound { code } ... on InvalidInput { code } } }"""


class Ehr:
    """The appointment as the EHR has it."""

    def __init__(self, graph, **changes):
        start = graph.app.subgraph.now() + timedelta(minutes=changes.pop("in_minutes", 0))
        actors = changes.pop("actors", ("Patient/e-ada", "Practitioner/dr"))
        self.row = {
            "resourceType": "Appointment",
            "id": "a-1",
            "status": "booked",
            "start": exact(start),
            "end": exact(start + timedelta(minutes=30)),
            "participant": [{"actor": {"reference": a}, "status": "accepted"} for a in actors],
            **changes,
        }
        self.error = None

    async def read(self, _type, ids):
        if self.error:
            raise self.error
        return {id_: self.row for id_ in ids if id_ == self.row["id"]}


def opened(**changes):
    graph = subgraph("v1")
    graph.app.subgraph.services.appointments["ehr-a"] = Ehr(graph, **changes)
    return graph


async def join(graph, caller=ADA_HERSELF, visit="v1", source="telehealth"):
    ids = graph.app.subgraph.ids
    appointment = ids.seal("scheduling", RecordRef("ehr-a", "Appointment", "a-1", "e-ada"))
    sealed = ids.seal("telehealth", RecordRef(source, "VirtualVisit", visit, appointment))
    body = json.dumps({"query": JOIN, "variables": {"in": {"visit": sealed}}}).encode()
    nonce = uuid4().hex
    context = Context("telehealth", body_hash(body), int(NOW), "r1", caller, nonce)
    headers = [(HEADER.encode(), sign_context(context, KEY).encode())]
    _, answered = await post(graph.app, "/graphql", body, headers)
    answer = json.loads(answered)
    text = answer.pop("extensions")["access"]
    answer["report"] = verify_report(text, subgraph="telehealth", request_id="r1", key=KEY)
    return answer


async def out(graph, caller=ADA_HERSELF, **which):
    answer = await join(graph, caller, **which)
    assert "errors" not in answer, answer
    return answer["data"]["joinVirtualVisit"]


async def test_the_patient_gets_her_own_door():
    answer = await join(opened())
    door = answer["data"]["joinVirtualVisit"]
    assert door["url"] == "https://vendor.example/v1?guest=1"
    assert (door["asHost"], "secret" in json.dumps(door)) == (False, False)
    assert answer["report"].patients == ("ada",)


async def test_the_clinician_who_takes_part_gets_the_hosts():
    door = await out(opened(in_minutes=600), HOST)
    assert (door["url"], door["asHost"]) == ("https://vendor.example/v1?host=secret", True)


@pytest.mark.parametrize(
    ("minutes", "came"),
    [(16, "TOO_EARLY"), (14, None), (-80, None), (-91, "OVER")],
)
async def test_the_patients_door_opens_a_quarter_of_an_hour_before(minutes, came):
    door = await out(opened(in_minutes=minutes))
    assert door.get("code") == came


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error"])
@pytest.mark.parametrize("caller", [ADA_HERSELF, HOST])
async def test_what_does_not_take_place_has_no_door(status, caller):
    assert (await out(opened(status=status), caller))["code"] == "NOT_HELD"


@pytest.mark.parametrize(
    "changes",
    [
        {"fhir_user": "ehr-a/Practitioner/other"},
        {"fhir_user": "ehr-b/Practitioner/dr"},
        {"fhir_user": "ehr-a/Patient/dr"},
        {"fhir_user": None},
    ],
)
async def test_nobody_else_is_let_in(changes):
    graph = opened()
    answer = await join(graph, msgspec.structs.replace(HOST, **changes))
    assert answer["data"]["joinVirtualVisit"] == {"__typename": "Denied", "code": "FORBIDDEN"}
    assert [each.reason for each in answer["report"].refusals] == ["host-only"]
    assert graph.asked == []


async def test_who_no_longer_takes_part_finds_it_shut():
    graph = opened(actors=("Patient/e-ada", "Practitioner/new"))
    assert (await out(graph, HOST))["__typename"] == "Denied"


async def test_a_parent_enters_beside_her_child_and_an_app_does_not():
    proxy = msgspec.structs.replace(ADA_HERSELF, roles=("proxy",), fhir_user=None)
    assert (await out(opened(), proxy))["asHost"] is False
    app = msgspec.structs.replace(proxy, roles=("partner-app",))
    assert (await out(opened(), app))["__typename"] == "Denied"


@pytest.mark.parametrize(
    ("caller", "which", "actors"),
    [
        (msgspec.structs.replace(ADA_HERSELF, patient="ehr-a/e-bob", fhir_user=None), {}, None),
        (Caller(subject="x", roles=("clinician",), scopes=("user/Patient.rs",)), {}, None),
        (ADA_HERSELF, {"source": "nobody"}, None),
        (ADA_HERSELF, {"visit": "gone"}, None),
        (ADA_HERSELF, {}, ("Patient/e-bob", "Practitioner/dr")),
    ],
)
async def test_what_is_not_there_for_the_caller_is_not_found(caller, which, actors):
    graph = opened(**({"actors": actors} if actors else {}))
    answer = await join(graph, caller, **which)
    outcome = answer["data"]["joinVirtualVisit"]
    assert outcome == {"__typename": "NotFound", "code": "NOT_FOUND"}


async def test_an_ehr_or_vendor_that_is_down_is_named():
    graph = opened()
    graph.app.subgraph.services.appointments["ehr-a"].error = TimedOut("late")
    answer = await join(graph)
    assert answer["errors"][0]["extensions"]["source"] == "ehr-a"
    graph = opened()
    graph.status = 503
    answer = await join(graph)
    assert answer["errors"][0]["extensions"]["source"] == "telehealth"


class Rooms:
    """Another vendor, whose doors are tokens and whose visits are never over."""

    def __init__(self):
        self.identities = []

    async def visits(self, ids):
        return {id_: Visit(id=id_, status="scheduled") for id_ in ids}

    async def door(self, id_, identity, *, host):  # noqa: ARG002 - its doors are all alike
        self.identities.append(identity)
        return Door(token="jwt", room=id_, identity=identity)


def with_rooms(**changes):
    graph = opened(**changes)
    rooms = Rooms()
    board = NoticeBoard("rooms", None, graph.app.subgraph.now)
    vendor = VideoVendor("rooms", rooms, board, frozenset({"https://rooms|video"}))
    graph.app.subgraph.services.vendors.by_source["rooms"] = vendor
    return graph, rooms, board


async def test_each_visit_is_asked_of_its_own_vendor():
    graph, _, _ = with_rooms()
    appointments = [
        graph.appointment("v1", channel="https://nobody-s|x"),
        graph.appointment("r1", channel="https://rooms|video"),
    ]
    answer = await graph.ask("status joinUrl provenance { source }", *appointments)
    sources = [visit["provenance"][0]["source"] for visit in virtual_visits(answer)]
    assert sources == ["telehealth", "rooms"]
    assert graph.asked == ["v1"]


async def test_a_visit_of_one_vendor_is_none_of_the_others():
    graph, _, _ = with_rooms()
    answer = await graph.ask("id", graph.appointment("v1", channel="https://rooms|video"))
    (visit,) = virtual_visits(answer)
    opened_id = graph.app.subgraph.ids.open("telehealth", "VirtualVisit", visit["id"])
    assert (opened_id.source, graph.asked) == ("rooms", [])


async def test_a_token_names_nobody():
    graph, rooms, _ = with_rooms()
    for caller in (ADA_HERSELF, ADA_HERSELF, HOST):
        door = await out(graph, caller, visit="r1", source="rooms")
        assert (door["token"], door["room"]) == ("jwt", "r1")
    one, again, host = rooms.identities
    assert one == again != host
    assert (one.partition("-")[0], host.partition("-")[0]) == ("guest", "host")


async def test_that_it_ended_only_the_notice_tells():
    graph, _, board = with_rooms()
    at = graph.app.subgraph.now()
    board._latest["r1"] = PushedStatus("ended", at, at)
    appointment = graph.appointment("r1", channel="https://rooms|video")
    answer = await graph.ask("status provenance { method }", appointment)
    assert virtual_visits(answer) == [{"status": "ENDED", "provenance": [{"method": "WEBHOOK"}]}]
