"""Calendars and a clinician's day against an independent reading of what the EHRs hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.acceptance.test_whole_path import EHRS, upstream_calls


def moment(days: int) -> str:
    """The beginning of a day, counted from today's."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (today + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def held(demo, source, type_, **params):
    """Read straight from the EHR, all pages."""
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    url, asked, found = f"{demo.sandbox.url(source)}/{type_}", {"_count": "400", **params}, []
    while url:
        bundle = demo.http.get(url, params=asked, headers=headers).raise_for_status().json()
        found += [entry["resource"] for entry in bundle.get("entry", ())]
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
        asked = None
    return found


def find_slots(demo, persona="patient", **variables):
    found, after = [], None
    while True:
        answer = demo.run("find-slots", persona, after=after, **variables)
        assert "errors" not in answer
        page = answer["data"]["slots"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


def test_a_patient_finds_every_free_time_and_whose_it_is(demo):
    found = find_slots(demo, **{"from": moment(1), "to": moment(4)})
    expected = []
    for source in EHRS:
        schedules = {f"Schedule/{row['id']}": row for row in held(demo, source, "Schedule")}
        for row in held(demo, source, "Slot"):
            if row["status"] == "free" and moment(1) <= row["start"] < moment(4):
                (whose, _) = schedules[row["schedule"]["reference"]]["actor"]
                expected.append((row["start"], source, whose["display"]))
    assert expected
    got = [
        (node["start"], node["provenance"][0]["source"], node["schedule"]["actors"][0]["name"])
        for node in found
    ]
    assert sorted(got) == sorted(expected)
    assert [start for start, *_ in got] == sorted(start for start, *_ in got)


def test_it_takes_two_calls_per_ehr(demo):
    within = {"from": moment(1), "to": moment(3)}
    demo.run("find-slots", "patient", **within)
    demo.sandbox.reset_calls()
    demo.run("find-slots", "patient", **within)
    calls = upstream_calls(demo)
    assert {source for source, _ in calls} == set(EHRS)
    assert sum(calls.values()) == 2 * len(EHRS), calls


def test_a_clinicians_day_is_what_her_ehr_holds_of_it(demo):
    persona = demo.sandbox.ready["personas"]["clinician"]
    seen = 0
    for day in range(1, 7):
        answer = demo.run("clinician-day", **{"from": moment(day), "to": moment(day + 1)})
        assert "errors" not in answer
        nodes = answer["data"]["myAppointments"]["nodes"]
        rows = held(
            demo,
            "ehr-a",
            "Appointment",
            practitioner=persona["fhir_user"],
            date=[f"ge{moment(day)}", f"lt{moment(day + 1)}"],
        )
        by_start = {row["start"]: row for row in rows}
        assert [node["start"] for node in nodes] == sorted(by_start)
        for node in nodes:
            row = by_start[node["start"]]
            assert node["status"] == row["status"]
            assert node["isVirtual"] == ("extension" in row)
            assert bool(node["virtualVisit"]) == node["isVirtual"]
            assert node["patient"]["name"]["text"]
            for coverage in node["patient"]["coverages"]["nodes"]:
                assert coverage["eligibility"]["active"] in (True, False)
        seen += len(nodes)
    assert seen > 2


def test_her_day_takes_one_call_for_each_source_and_type(demo):
    within = {"from": moment(1), "to": moment(7)}
    demo.run("clinician-day", **within)
    demo.sandbox.reset_calls()
    demo.run("clinician-day", **within)
    calls = upstream_calls(demo)
    assert calls.pop(("ehr-a", "Appointment")) == 1
    assert {source for source, _ in calls} <= {"payer", "payer-x12", "telehealth"}
    assert max(calls.values()) == 1, calls


def change(demo, operation, persona="patient", **given):
    answer = demo.run(operation, persona, input={"idempotencyKey": uuid4().hex, **given})
    assert "errors" not in answer, answer
    (out,) = answer["data"].values()
    return out


def slot_row(demo, start, name):
    """The slot at that time in the calendar of whoever has this name."""
    schedules = held(demo, "ehr-a", "Schedule")
    (whose,) = [row for row in schedules if row["actor"][0].get("display") == name]
    slots = held(demo, "ehr-a", "Slot", schedule=f"Schedule/{whose['id']}")
    (row,) = [each for each in slots if each["start"] == start]
    return row


def test_a_patient_books_moves_and_calls_off_and_her_chart_says_so(demo):
    me = demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]
    own = demo.sandbox.ready["personas"]["patient"]["patient"]
    before = {row["id"] for row in held(demo, "ehr-a", "Appointment", patient=own)}
    free = find_slots(demo, **{"from": moment(3), "to": moment(7)})
    first, *_, last = [node for node in free if node["provenance"][0]["source"] == "ehr-a"]
    names = [node["schedule"]["actors"][0]["name"] for node in (first, last)]

    demo.sandbox.reset_calls()
    booked = change(demo, "book-appointment", slot=first["id"], patient=me, reason="A cough")
    appointment = booked["appointment"]
    assert (appointment["status"], appointment["start"]) == ("booked", first["start"])
    # What is in the way of a booking is asked for, and it is written in one transaction.
    calls = upstream_calls(demo)
    assert calls.pop(("ehr-a", "Bundle")) == 1
    assert all(source == "ehr-a" for source, _ in calls)
    assert sum(calls.values()) <= 6, calls

    rows = held(demo, "ehr-a", "Appointment", patient=own)
    (row,) = [each for each in rows if each["id"] not in before]
    assert row["reasonCode"] == [{"text": "A cough"}]
    assert slot_row(demo, first["start"], names[0])["status"] == "busy"

    moved = change(
        demo,
        "reschedule-appointment",
        appointment=appointment["id"],
        slot=last["id"],
        ifMatch=appointment["version"],
    )
    assert moved["appointment"]["start"] == last["start"]
    assert slot_row(demo, first["start"], names[0])["status"] == "free"
    assert slot_row(demo, last["start"], names[1])["status"] == "busy"

    stale = change(
        demo, "cancel-appointment", appointment=appointment["id"], ifMatch=appointment["version"]
    )
    assert stale["code"] == "STALE"
    gone = change(demo, "cancel-appointment", appointment=appointment["id"], reason="Better")
    assert gone["appointment"]["status"] == "cancelled"
    (row,) = held(demo, "ehr-a", "Appointment", _id=row["id"])
    assert row["cancelationReason"]["text"] == "Better"
    assert slot_row(demo, last["start"], names[1])["status"] == "free"


def test_the_front_desk_books_for_a_patient_and_a_biller_does_not(demo):
    patient = next(
        each["ids"]["ehr-a"] for each in demo.sandbox.truth["people"][3:] if "ehr-a" in each["ids"]
    )
    own = {"authorization": f"Bearer {demo.sandbox.persona_token('patient', patient=patient)}"}
    body = {"query": "{ me { patient { id } } }"}
    me = demo.post(body, persona=None, headers=own).json()["data"]["me"]["patient"]["id"]
    free = find_slots(demo, "scheduler", **{"from": moment(3), "to": moment(7)})
    slot = next(node for node in free if node["provenance"][0]["source"] == "ehr-a")
    answer = demo.run(
        "book-appointment",
        "biller",
        input={"idempotencyKey": uuid4().hex, "slot": slot["id"], "patient": me},
    )
    assert answer["data"] == {"bookAppointment": None}
    assert answer["errors"][0]["extensions"]["code"] == "SCOPE_REQUIRED"
    booked = change(demo, "book-appointment", "scheduler", slot=slot["id"], patient=me)
    assert booked["appointment"]["start"] == slot["start"]
    change(demo, "cancel-appointment", "scheduler", appointment=booked["appointment"]["id"])


JOIN = """mutation($visit: ID!) { joinVirtualVisit(input: {visit: $visit}) { __typename
  ... on VirtualVisitDoor { url asHost } ... on StateConflict { code } } }"""


def test_a_video_visit_opens_to_its_clinician_and_to_the_patient_in_time(demo):
    answer = demo.run("clinician-day", **{"from": moment(1), "to": moment(7)})
    nodes = answer["data"]["myAppointments"]["nodes"]
    visit = next(node["virtualVisit"]["id"] for node in nodes if node["virtualVisit"])
    door = demo.ask(JOIN, {"visit": visit})["data"]["joinVirtualVisit"]
    assert (door["__typename"], door["asHost"]) == ("VirtualVisitDoor", True)
    assert "host=" in door["url"]
    query = "{ me { patient { nextAppointment { virtualVisit { id hostUrl } } } } }"
    me = demo.ask(query, persona="patient")["data"]["me"]["patient"]
    own = me["nextAppointment"]["virtualVisit"]
    assert own["hostUrl"] is None
    early = demo.ask(JOIN, {"visit": own["id"]}, persona="patient")["data"]["joinVirtualVisit"]
    # It is tomorrow at the earliest: the door opens a quarter of an hour before.
    assert early == {"__typename": "StateConflict", "code": "TOO_EARLY"}
    desk = demo.ask(JOIN, {"visit": visit}, persona="scheduler")["data"]["joinVirtualVisit"]
    assert desk["__typename"] == "Denied"
