"""Free times and a clinician's day, over the sandbox and against what it holds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from contract.context import Caller
from subgraphs.runtime.sealing import RecordRef
from tests.subgraphs.conftest import CLINICIAN

SLOTS = """query($from: DateTime!, $to: DateTime!, $specialty: String, $serviceType: String,
  $practitioner: ID, $first: Int, $after: String) {
  slots(from: $from, to: $to, specialty: $specialty, serviceType: $serviceType,
    practitioner: $practitioner, first: $first, after: $after) {
    nodes { id status start end provenance { source }
      schedule { id active actors { kind name } specialty { coding { code } } } }
    pageInfo { hasNextPage endCursor } sources { source state } } }"""
DAY = """query($from: DateTime!, $to: DateTime!) { myAppointments(from: $from, to: $to) {
  nodes { id status start patient { id } participants { kind name } slots { id status start }
    version }
  sources { source state } } }"""
SCHEDULER = Caller(subject="s", roles=("scheduler",), scopes=("user/*.rs",))
BILLER = Caller(subject="b", roles=("biller",), scopes=("user/*.rs",))


def days(first: int, last: int) -> dict[str, str]:
    """From the beginning of one day to that of another, counted from today's."""
    today = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
    ends = (today + timedelta(days=first), today + timedelta(days=last))
    return dict(zip(("from", "to"), (end.isoformat() for end in ends), strict=True))


def held(sandbox, source, type_, **params):
    """Straight from the EHR, all rows."""
    headers = {"authorization": f"Bearer {sandbox.system_token()}"}
    found, url = [], f"{sandbox.url(source)}/{type_}"
    params = {"_count": "400", **params}
    while url:
        bundle = sandbox.http.get(url, params=params, headers=headers).raise_for_status().json()
        found += [entry["resource"] for entry in bundle.get("entry", ())]
        url = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), None)
        params = None
    return found


async def slots(graph, caller=CLINICIAN, **variables):
    answer = await graph.ask("scheduling", SLOTS, caller, **{**days(1, 8), **variables})
    assert not answer.errors
    return answer.data["slots"]


async def every_slot(graph, **variables):
    page = await slots(graph, first=200, **variables)
    found = page["nodes"]
    while page["pageInfo"]["hasNextPage"]:
        page = await slots(graph, first=200, after=page["pageInfo"]["endCursor"], **variables)
        found += page["nodes"]
    return found


async def test_every_free_slot_is_there_once_the_soonest_first(graph, calm_sandbox):
    found = await every_slot(graph)
    free = [
        (source, row["start"])
        for source in ("ehr-a", "ehr-b")
        for row in held(calm_sandbox, source, "Slot", status="free")
    ]
    assert Counter((n["provenance"][0]["source"], n["start"]) for n in found) == Counter(free)
    assert [n["start"] for n in found] == sorted(n["start"] for n in found)
    assert len({n["id"] for n in found}) == len(found)


async def test_two_calls_a_source_however_many_calendars(graph, calm_sandbox):
    await slots(graph)
    calm_sandbox.reset_calls()
    await slots(graph, first=5)
    for source in ("ehr-a", "ehr-b"):
        calls = calm_sandbox.calls()[source]["calls"]
        assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) == 2


async def test_by_specialty_and_service(graph):
    everything = await every_slot(graph)
    codes = [
        [c["code"] for s in node["schedule"]["specialty"] for c in s["coding"]]
        for node in everything
    ]
    cardiology = "207RC0000X"
    wanted = sum(cardiology in each for each in codes)
    assert 0 < wanted < len(everything)
    assert len(await every_slot(graph, specialty=cardiology)) == wanted
    named = await every_slot(graph, specialty=f"http://nucc.org/provider-taxonomy|{cardiology}")
    assert len(named) == wanted
    assert await every_slot(graph, specialty="207LP2900X") == []
    assert await every_slot(graph, serviceType="no-such-service") == []


async def test_by_practitioner(graph, calm_sandbox):
    persona = calm_sandbox.ready["personas"]["clinician"]
    id_ = persona["fhir_user"].rpartition("/")[2]
    ids = graph.apps["scheduling"].subgraph.ids
    sealed = ids.seal("directory", RecordRef("ehr-a", "Practitioner", id_, ""))
    found = await every_slot(graph, practitioner=sealed)
    (schedule,) = held(calm_sandbox, "ehr-a", "Schedule", actor=f"Practitioner/{id_}")
    free = held(calm_sandbox, "ehr-a", "Slot", status="free", schedule=f"Schedule/{schedule['id']}")
    assert sorted(n["start"] for n in found) == sorted(row["start"] for row in free)
    assert {n["schedule"]["actors"][0]["name"] for n in found} == {schedule["actor"][0]["display"]}


async def test_what_is_past_is_not_offered(graph):
    assert await every_slot(graph, **days(-3, 0)) == []


@pytest.mark.parametrize("within", [days(2, 1), days(1, 1)])
async def test_within_no_span_there_is_nothing(graph, within):
    assert await every_slot(graph, **within) == []


async def test_nothing_is_looked_for_beyond_two_months(graph):
    longest = await every_slot(graph, **days(0, 62))
    assert longest
    assert await every_slot(graph, **days(0, 90)) == longest
    end = {"from": "9999-12-31T00:00:00Z", "to": "9999-12-31T23:00:00Z"}
    assert await every_slot(graph, **end) == []


async def test_with_whoever_is_unknown_nothing_is_free(graph):
    assert await every_slot(graph, **days(0, 7), practitioner="nonsense") == []


@pytest.mark.parametrize(
    ("caller", "seen"),
    [
        (SCHEDULER, True),
        (BILLER, False),
        (msgspec.structs.replace(SCHEDULER, scopes=("user/Appointment.rs",)), False),
        (msgspec.structs.replace(SCHEDULER, scopes=("user/Slot.rs?status=free",)), True),
        (msgspec.structs.replace(SCHEDULER, scopes=("user/Slot.rs?status=busy",)), False),
    ],
)
async def test_calendars_are_for_those_who_make_appointments(graph, calm_sandbox, caller, seen):
    found = await slots(graph, caller)
    assert bool(found["nodes"]) is seen
    assert found["pageInfo"]["hasNextPage"] is seen


async def test_one_source_down_costs_only_its_own(graph, calm_sandbox):
    calm_sandbox.set_faults("ehr-b", outage="503")
    found = await slots(graph, first=200)
    assert {n["provenance"][0]["source"] for n in found["nodes"]} == {"ehr-a"}
    states = {each["source"]: each["state"] for each in found["sources"]}
    assert states == {"ehr-a": "OK", "ehr-b": "UNAVAILABLE"}


async def test_slots_and_schedules_are_found_by_id(graph):
    page = await slots(graph, first=3)
    nodes = page["nodes"]
    representations = [{"__typename": "Slot", "id": n["id"]} for n in nodes]
    answer = await graph.entities(
        "scheduling", "... on Slot { id start schedule { id } }", *representations
    )
    assert answer.data == [
        {"id": n["id"], "start": n["start"], "schedule": {"id": n["schedule"]["id"]}} for n in nodes
    ]
    unknown = {"__typename": "Slot", "id": nodes[0]["schedule"]["id"]}
    answer = await graph.entities("scheduling", "... on Slot { id }", unknown)
    assert (answer.data, answer.codes) == ([None], ["NOT_FOUND"])


def clinician_of(sandbox, **changes):
    own = sandbox.ready["personas"]["clinician"]["fhir_user"]
    return msgspec.structs.replace(CLINICIAN, fhir_user=f"ehr-a/{own}", **changes)


async def test_a_clinicians_day_is_hers_and_in_order(graph, calm_sandbox):
    caller = clinician_of(calm_sandbox)
    within = days(-40, 20)
    await graph.ask("scheduling", DAY, caller, **within)
    calm_sandbox.reset_calls()
    answer = await graph.ask("scheduling", DAY, caller, **within)
    assert not answer.errors
    nodes = answer.data["myAppointments"]["nodes"]
    own = caller.fhir_user.removeprefix("ehr-a/")
    expected = held(
        calm_sandbox,
        "ehr-a",
        "Appointment",
        practitioner=own,
        date=[f"ge{within['from'][:10]}", f"lt{within['to'][:10]}"],
    )
    assert [n["start"] for n in nodes] == sorted(row["start"] for row in expected)
    assert len({n["patient"]["id"] for n in nodes}) > 3
    # One that was called off names the slot it has left.
    ahead = [node for node in nodes if node["status"] != "cancelled"]
    taken = [slot for node in ahead for slot in node["slots"]]
    assert {slot["status"] for slot in taken} == {"busy"}
    assert set(answer.report.patients) == {n["patient"]["id"] for n in nodes}


async def test_her_day_takes_one_call_and_one_for_its_slots(graph, calm_sandbox):
    caller = clinician_of(calm_sandbox)
    await graph.ask("scheduling", DAY, caller, **days(-40, 20))
    calm_sandbox.reset_calls()
    await graph.ask("scheduling", DAY, caller, **days(-40, 20))
    calls = calm_sandbox.calls()["ehr-a"]["calls"]
    assert calls["search"] | calls.get("batch", {}) == {"Appointment": 1, "Slot": 1}
    assert calm_sandbox.calls()["ehr-b"]["total"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"roles": ("biller",), "scopes": ("user/Slot.rs",)},
        {"fhir_user": None},
        {"fhir_user": "ehr-a/Patient/x"},
        {"roles": ("patient",), "scopes": ("patient/*.rs",)},
    ],
)
async def test_others_have_no_day(graph, calm_sandbox, changes):
    caller = msgspec.structs.replace(clinician_of(calm_sandbox), **changes)
    calm_sandbox.reset_calls()
    answer = await graph.ask("scheduling", DAY, caller, **days(-40, 20))
    assert answer.data["myAppointments"]["nodes"] == []
    assert calm_sandbox.calls()["ehr-a"]["total"] == 0


PRACTITIONER = """... on Practitioner {
  appointments(from: "%(from)s", to: "%(to)s") { nodes { id start } }
  nextSlots(first: 4) { start status schedule { actors { kind name } } } }"""


async def directory_of(graph, sandbox):
    """A practitioner as the gateway hands them over, with where their records are."""
    own = sandbox.ready["personas"]["clinician"]["fhir_user"].rpartition("/")[2]
    ids = graph.apps["directory"].subgraph.ids
    rows = held(sandbox, "ehr-a", "Practitioner", _id=own)
    npi = rows[0]["identifier"][0]["value"]
    sealed = ids.seal("directory", RecordRef("ehr-a", "Practitioner", own, npi))
    answer = await graph.entities(
        "directory",
        "... on Practitioner { id links }",
        {"__typename": "Practitioner", "id": sealed},
    )
    assert not answer.errors
    return {"__typename": "Practitioner", **answer.data[0]}


async def test_a_practitioners_day_and_next_times_are_hers(graph, calm_sandbox):
    practitioner = await directory_of(graph, calm_sandbox)
    within = days(-40, 20)
    answer = await graph.entities("scheduling", PRACTITIONER % within, practitioner)
    assert not answer.errors
    (found,) = answer.data
    own = await graph.ask("scheduling", DAY, clinician_of(calm_sandbox), **within)
    expected = [node["id"] for node in own.data["myAppointments"]["nodes"]]
    assert [node["id"] for node in found["appointments"]["nodes"]] == expected
    starts = [slot["start"] for slot in found["nextSlots"]]
    assert (len(starts), starts) == (4, sorted(starts))
    assert {slot["status"] for slot in found["nextSlots"]} == {"free"}


async def test_next_times_of_many_take_two_calls_a_source(graph, calm_sandbox):
    practitioner = await directory_of(graph, calm_sandbox)
    calm_sandbox.reset_calls()
    selection = "... on Practitioner { nextSlots { id } }"
    answer = await graph.entities("scheduling", selection, *[practitioner] * 5)
    assert not answer.errors
    calls = calm_sandbox.calls()["ehr-a"]["calls"]
    assert sum(n for kind in ("search", "batch") for n in calls.get(kind, {}).values()) == 2


async def test_anothers_links_open_nothing(graph, calm_sandbox):
    practitioner = await directory_of(graph, calm_sandbox)
    stolen = {**practitioner, "id": "another"}
    answer = await graph.entities("scheduling", "... on Practitioner { nextSlots { id } }", stolen)
    assert answer.data == [{"nextSlots": None}]
    assert answer.codes == ["NOT_FOUND"]
