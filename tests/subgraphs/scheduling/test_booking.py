"""Booking, moving and calling off: against the sandbox's EHRs, which die at it on purpose."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from contract.context import Caller
from subgraphs.scheduling.news import read_news, topic_of
from tests.subgraphs.conftest import CLINICIAN, opened_graph, settings_in
from tests.subgraphs.scheduling.test_calendars import days, held, slots

RESULT = """__typename
  ... on AppointmentChanged { appointment {
    id version status start reason { text } comment cancelationReason { text coding { code } }
    participants { kind name status } slots { id status } patient { id } } }
  ... on StateConflict { code message } ... on Denied { code }
  ... on NotFound { code } ... on InvalidInput { code argument }
  ... on UpstreamRefused { source code }"""
BOOK = f"mutation($in: BookAppointmentInput!) {{ bookAppointment(input: $in) {{ {RESULT} }} }}"
MOVE = (
    "mutation($in: RescheduleAppointmentInput!) "
    f"{{ rescheduleAppointment(input: $in) {{ {RESULT} }} }}"
)
CANCEL = (
    f"mutation($in: CancelAppointmentInput!) {{ cancelAppointment(input: $in) {{ {RESULT} }} }}"
)
SCHEDULER = Caller(
    subject="desk", roles=("scheduler",), scopes=("user/*.rs", "user/Appointment.cu")
)
EHRS = ("ehr-a", "ehr-b")
FAULTS = {"in a transaction": {}, "in turn": {"transaction": False}}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(params=FAULTS, scope="module", loop_scope="module")
async def office(request, sandbox, tmp_path_factory):
    """The subgraphs over EHRs that offer transactions, or do not, for as long as they are asked."""
    faults = FAULTS[request.param]
    sandbox.reset_faults()
    for source in EHRS:
        sandbox.set_faults(source, **faults)
    async with opened_graph(
        sandbox, settings_in(tmp_path_factory.mktemp("desk"), sandbox)
    ) as graph:
        yield graph, faults
    sandbox.reset_faults()


@pytest.fixture
def way(office, sandbox):
    """What the EHRs do not offer; nothing else is broken."""
    _, faults = office
    for source in EHRS:
        sandbox.set_faults(source, dies="never", **faults)
    return faults


@pytest.fixture
def graph(office):
    return office[0]


class Desk:
    """A patient whom EHR-A knows, and free times there."""

    def __init__(self, graph, sandbox, patient, link, free):
        self.graph, self.sandbox = graph, sandbox
        self.patient, self.link, self.free = patient, link, free

    async def ask(self, document, caller=SCHEDULER, **given):
        given = {"idempotencyKey": uuid4().hex, **given}
        answer = await self.graph.ask("scheduling", document, caller, **{"in": given})
        field = document.partition("{ ")[2].partition("(")[0]
        self.codes = answer.codes
        return answer.data and answer.data[field]

    async def book(self, slot=0, caller=SCHEDULER, **given):
        return await self.ask(
            BOOK, caller, **{"slot": self.free[slot]["id"], "patient": self.patient["id"], **given}
        )

    def rows(self, type_="Appointment"):
        return held(self.sandbox, "ehr-a", type_, **self.own if type_ == "Appointment" else {})

    @property
    def own(self):
        return {"patient": self.link.id}

    def status_of(self, slot):
        id_ = self.graph.apps["scheduling"].subgraph.ids.open("scheduling", "Slot", slot["id"]).id
        (row,) = held(self.sandbox, "ehr-a", "Slot", _id=id_)
        return row["status"]

    @property
    def herself(self):
        return Caller(
            subject="p",
            roles=("patient",),
            scopes=("patient/*.rs", "patient/Appointment.cu"),
            patient=f"ehr-a/{self.link.id}",
            fhir_user=f"ehr-a/Patient/{self.link.id}",
        )


@pytest_asyncio.fixture(loop_scope="module")
async def desk(way, graph, sandbox):
    person = next(
        each
        for each in await graph.patients(60)
        for link in graph.links(each)
        if link.source == "ehr-a" and link.id != graph.launch
    )
    link = next(link for link in graph.links(person) if link.source == "ehr-a")
    page = await slots(graph, first=200, **days(2, 8))
    free = [node for node in page["nodes"] if node["provenance"][0]["source"] == "ehr-a"]
    return Desk(graph, sandbox, person, link, free)


async def test_a_booking_is_in_the_chart_and_its_time_is_taken(desk):
    before = [row["id"] for row in desk.rows()]
    out = await desk.book(reason="Sore throat", comment="Needs a ramp")
    assert out["__typename"] == "AppointmentChanged", out
    made = out["appointment"]
    assert made["status"] == "booked"
    assert made["start"] == desk.free[0]["start"]
    assert ([r["text"] for r in made["reason"]], made["comment"]) == (
        ["Sore throat"],
        "Needs a ramp",
    )
    assert made["slots"] == [{"id": desk.free[0]["id"], "status": "busy"}]
    assert {p["kind"] for p in made["participants"]} == {"Patient", "Practitioner", "Location"}
    assert made["patient"]["id"] == desk.patient["id"]
    (row,) = [row for row in desk.rows() if row["id"] not in before]
    assert (row["start"], row["status"]) == (made["start"], "booked")
    assert row["created"]
    assert row["serviceType"]
    # What was written is what is read.
    node = {"__typename": "Appointment", "id": made["id"]}
    found = await desk.graph.entities("scheduling", "... on Appointment { version }", node)
    assert found.data == [{"version": made["version"]}]
    offered = await slots(desk.graph, first=200, **days(2, 8))
    assert made["slots"][0]["id"] not in {node["id"] for node in offered["nodes"]}


async def test_the_patient_books_for_herself(desk):
    out = await desk.book(caller=desk.herself)
    assert out["__typename"] == "AppointmentChanged", out
    mine = await desk.ask(CANCEL, desk.herself, appointment=out["appointment"]["id"], reason="Ill")
    assert mine["appointment"]["status"] == "cancelled"
    assert mine["appointment"]["cancelationReason"] == {"text": "Ill", "coding": [{"code": "pat"}]}


async def test_of_many_at_once_one_has_the_time(desk):
    before = len(desk.rows())
    outs = await asyncio.gather(*(desk.book(reason=str(n)) for n in range(6)))
    won = [out for out in outs if out["__typename"] == "AppointmentChanged"]
    assert len(won) == 1
    assert {out["code"] for out in outs if out not in won} == {"SLOT_TAKEN"}
    assert len(desk.rows()) == before + 1
    assert desk.status_of(desk.free[0]) == "busy"


async def test_the_same_key_books_once(desk):
    before, key = len(desk.rows()), uuid4().hex
    first = await desk.book(idempotencyKey=key)
    again = await desk.book(idempotencyKey=key)
    assert again["appointment"]["id"] == first["appointment"]["id"]
    assert len(desk.rows()) == before + 1
    other = await desk.book(1, idempotencyKey=key)
    assert (other["__typename"], other["code"]) == ("StateConflict", "IDEMPOTENCY_KEY_REUSED")


async def test_a_taken_time_is_told_as_such_and_leaves_nothing(desk):
    before = len(desk.rows())
    await desk.book()
    out = await desk.book(idempotencyKey="second try")
    assert (out["__typename"], out["code"]) == ("StateConflict", "SLOT_TAKEN")
    # Its key is free for another time.
    moved_on = await desk.book(1, idempotencyKey="second try")
    assert moved_on["__typename"] == "AppointmentChanged"
    assert len(desk.rows()) == before + 2


@pytest.mark.parametrize("dies", ["before", "after"])
async def test_nothing_is_lost_or_doubled_where_the_ehr_dies_at_a_booking(desk, way, dies):
    before, key = len(desk.rows()), uuid4().hex
    desk.sandbox.set_faults("ehr-a", dies=dies, **way)
    out = await desk.book(idempotencyKey=key)
    assert out is None or out["__typename"] == "AppointmentChanged"
    assert desk.codes in ([], ["OUTCOME_UNKNOWN"])
    desk.sandbox.set_faults("ehr-a", dies="never", **way)
    assert len(desk.rows()) - before in (0, 1)
    again = await desk.book(idempotencyKey=key)
    assert again["__typename"] == "AppointmentChanged", again
    assert len(desk.rows()) == before + 1
    assert desk.status_of(desk.free[0]) == "busy"


async def booked(desk, slot=0):
    out = await desk.book(slot)
    assert out["__typename"] == "AppointmentChanged", out
    return out["appointment"]


async def test_moving_frees_the_old_time_and_takes_the_new(desk):
    made = await booked(desk)
    out = await desk.ask(
        MOVE, appointment=made["id"], slot=desk.free[5]["id"], ifMatch=made["version"]
    )
    assert out["__typename"] == "AppointmentChanged", out
    moved = out["appointment"]
    assert (moved["id"], moved["start"]) == (made["id"], desk.free[5]["start"])
    assert moved["slots"] == [{"id": desk.free[5]["id"], "status": "busy"}]
    assert desk.status_of(desk.free[0]) == "free"
    kinds = sorted(p["kind"] for p in moved["participants"])
    assert kinds == ["Location", "Patient", "Practitioner"]
    (whose,) = [
        a["name"] for a in desk.free[5]["schedule"]["actors"] if a["kind"] == "Practitioner"
    ]
    assert whose in {p["name"] for p in moved["participants"]}


async def test_calling_off_frees_the_time(desk):
    made = await booked(desk)
    out = await desk.ask(CANCEL, appointment=made["id"], ifMatch=made["version"])
    assert out["appointment"]["status"] == "cancelled"
    assert out["appointment"]["cancelationReason"]["coding"] == [{"code": "prov"}]
    assert desk.status_of(desk.free[0]) == "free"
    again = await desk.ask(CANCEL, appointment=made["id"])
    assert (again["__typename"], again["code"]) == ("StateConflict", "NOT_AHEAD")
    # Whoever comes next may have it.
    assert (await booked(desk))["start"] == made["start"]


@pytest.mark.parametrize(
    ("document", "more"), [(MOVE, {"slot": 5}), (CANCEL, {})], ids=["move", "call off"]
)
async def test_an_older_version_changes_nothing(desk, document, more):
    made = await booked(desk)
    given = {name: desk.free[at]["id"] for name, at in more.items()}
    out = await desk.ask(document, appointment=made["id"], ifMatch="0", **given)
    assert (out["__typename"], out["code"]) == ("StateConflict", "STALE")
    assert [desk.status_of(desk.free[at]) for at in (0, 5)] == ["busy", "free"]


async def test_moving_to_a_taken_time_keeps_the_old(desk):
    made, _ = await booked(desk), await booked(desk, 1)
    out = await desk.ask(MOVE, appointment=made["id"], slot=desk.free[1]["id"])
    assert (out["__typename"], out["code"]) == ("StateConflict", "SLOT_TAKEN")
    assert [desk.status_of(desk.free[at]) for at in (0, 1)] == ["busy", "busy"]


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize(
    ("document", "more", "then"),
    [(MOVE, {"slot": 5}, ["free", "busy"]), (CANCEL, {}, ["free", "free"])],
    ids=["move", "call off"],
)
async def test_a_change_is_done_once_where_the_ehr_dies_at_it(
    desk, way, dies, document, more, then
):
    made, key = await booked(desk), uuid4().hex
    before = len(desk.rows())
    given = {name: desk.free[at]["id"] for name, at in more.items()}
    desk.sandbox.set_faults("ehr-a", dies=dies, **way)
    await desk.ask(document, appointment=made["id"], idempotencyKey=key, **given)
    assert desk.codes in ([], ["OUTCOME_UNKNOWN"])
    desk.sandbox.set_faults("ehr-a", dies="never", **way)
    out = await desk.ask(document, appointment=made["id"], idempotencyKey=key, **given)
    assert out["__typename"] == "AppointmentChanged", out
    assert [desk.status_of(desk.free[at]) for at in (0, 5)] == then
    assert len(desk.rows()) == before


class TestWhoMay:
    async def test_others_do_not_book(self, desk):
        before = len(desk.rows())
        for changes in (
            {"roles": ("biller",)},
            {"roles": ("pharmacist",)},
            {"scopes": ("user/*.rs",)},
            {"scopes": ("user/*.rs", "user/Appointment.u")},
            {"scopes": ("user/*.rs", "user/Appointment.cu?status=booked")},
            {"roles": (), "scopes": ("system/*.cruds",)},
        ):
            out = await desk.book(caller=msgspec.structs.replace(SCHEDULER, **changes))
            assert out["__typename"] == "Denied", changes
        assert len(desk.rows()) == before
        assert desk.status_of(desk.free[0]) == "free"

    @pytest.mark.parametrize("role", ["scheduler", "clinician", "nurse"])
    async def test_those_who_make_them_for_others_do(self, desk, role):
        out = await desk.book(caller=msgspec.structs.replace(SCHEDULER, roles=(role,)))
        assert out["__typename"] == "AppointmentChanged"

    async def test_nobody_books_for_another_patient(self, desk):
        stranger = msgspec.structs.replace(
            desk.herself, patient=f"ehr-a/{desk.graph.launch}", fhir_user=None
        )
        out = await desk.book(caller=stranger)
        assert out["__typename"] == "Denied"
        made = await booked(desk)
        out = await desk.ask(CANCEL, stranger, appointment=made["id"])
        assert out == {"__typename": "NotFound", "code": "NOT_FOUND"}
        assert desk.status_of(desk.free[0]) == "busy"

    async def test_an_app_of_hers_is_not_her(self, desk):
        app = msgspec.structs.replace(desk.herself, roles=("partner-app",))
        assert (await desk.book(caller=app))["__typename"] == "Denied"

    async def test_a_patient_the_ehr_does_not_know_has_no_appointment_there(self, desk):
        graph = desk.graph
        elsewhere = next(
            each
            for each in await graph.patients(60)
            if "ehr-a" not in {link.source for link in graph.links(each)}
        )
        out = await desk.book(patient=elsewhere["id"])
        assert (out["__typename"], out["code"]) == ("StateConflict", "PATIENT_UNKNOWN")

    async def test_a_time_that_has_begun_is_not_given_away(self, desk):
        services = desk.graph.apps["scheduling"].subgraph
        late = "subgraphs.scheduling.sources.drafts.instant"
        with pytest.MonkeyPatch.context() as patched:
            begun = services.now()
            patched.setattr(late, lambda _: begun)
            out = await desk.book(slot=0)
        assert (out["__typename"], out["code"]) == ("StateConflict", "PAST")

    async def test_without_a_vendor_there_is_no_video_visit(self, desk):
        services = desk.graph.apps["scheduling"].subgraph.services
        rooms = services.rooms
        object.__setattr__(services, "rooms", None)
        out = await desk.book(video=True)
        object.__setattr__(services, "rooms", rooms)
        assert (out["__typename"], out["code"]) == ("StateConflict", "NO_VIDEO")

    @pytest.mark.parametrize("given", [{"reason": "x" * 501}, {"idempotencyKey": ""}])
    async def test_what_is_too_long_or_missing_is_refused(self, desk, given):
        (wrong,) = given
        out = await desk.book(**given)
        assert out == {"__typename": "InvalidInput", "code": "BAD_USER_INPUT", "argument": wrong}

    async def test_a_clinician_without_the_label_does_not_cancel_what_is_withheld(self, desk):
        made = await booked(desk)
        unread = msgspec.structs.replace(CLINICIAN, scopes=("user/Appointment.cu",))
        out = await desk.ask(CANCEL, unread, appointment=made["id"])
        assert out == {"__typename": "NotFound", "code": "NOT_FOUND"}


async def visits_at_vendor(desk, ids):
    client = desk.graph.apps["telehealth"].subgraph.services.vendors.get("telehealth").vendor
    return await client.visits(ids)


def session_of(row):
    (service,) = row["extension"]
    parts = {part["url"]: part for part in service["extension"]}
    return parts["sessionKey"]["valueString"], parts["channelType"]["valueCoding"]


async def test_a_video_visit_is_held_at_the_vendor_and_goes_with_the_appointment(desk):
    before, key = {row["id"] for row in desk.rows()}, uuid4().hex
    out = await desk.book(video=True, idempotencyKey=key)
    assert out["__typename"] == "AppointmentChanged", out
    again = await desk.book(video=True, idempotencyKey=key)
    assert again["appointment"]["id"] == out["appointment"]["id"]
    (row,) = [each for each in desk.rows() if each["id"] not in before]
    visit, channel = session_of(row)
    assert channel == {"system": "https://telehealth.example/channel", "code": "video"}
    held_there = (await visits_at_vendor(desk, [visit]))[visit]
    assert (held_there.status, held_there.starts_at) == ("scheduled", row["start"])
    moved = await desk.ask(MOVE, appointment=out["appointment"]["id"], slot=desk.free[5]["id"])
    assert moved["__typename"] == "AppointmentChanged", moved
    held_there = (await visits_at_vendor(desk, [visit]))[visit]
    assert held_there.starts_at == moved["appointment"]["start"]
    await desk.ask(CANCEL, appointment=out["appointment"]["id"])
    assert (await visits_at_vendor(desk, [visit]))[visit].status == "cancelled"


async def test_where_the_vendor_refuses_no_appointment_is_made(desk):
    before = len(desk.rows())
    desk.sandbox.set_faults("telehealth", rate_limit={"limit": 0, "retry_after": 60})
    out = await desk.book(video=True)
    desk.sandbox.set_faults("telehealth", rate_limit=None)
    assert (out["__typename"], out["code"]) == ("StateConflict", "NO_VIDEO")
    assert len(desk.rows()) == before
    assert desk.status_of(desk.free[0]) == "free"


async def test_who_listens_is_told_of_what_is_booked_here(desk):
    events = desk.graph.apps["scheduling"].subgraph.events
    topic = topic_of("Patient", desk.link)
    with events.listen(topic) as heard:
        made = await booked(desk)
        async with asyncio.timeout(5):
            ref = read_news(await anext(heard))
        assert desk.graph.apps["scheduling"].subgraph.ids.seal("scheduling", ref) == made["id"]
        await desk.ask(CANCEL, appointment=made["id"])
        async with asyncio.timeout(5):
            assert read_news(await anext(heard)) == ref
