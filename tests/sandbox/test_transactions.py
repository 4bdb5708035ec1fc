"""Transactions of the sandbox's EHRs: whole, or not at all."""

from __future__ import annotations

import pytest

from sandbox.wire import decode

META = {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"}
SLOT = {
    "resourceType": "Slot",
    "id": "s1",
    "meta": META,
    "status": "free",
    "schedule": {"reference": "Schedule/d1"},
    "start": "2026-11-23T09:00:00Z",
    "end": "2026-11-23T09:30:00Z",
}
BOOKED = {
    "resourceType": "Appointment",
    "status": "booked",
    "identifier": [{"system": "urn:x", "value": "1"}],
    "slot": [{"reference": "Slot/s1"}],
    "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
}


@pytest.fixture
def ehr(ehr_of):
    return ehr_of([SLOT])


def ask(ehr, *entries, type_="transaction"):
    bundle = {"resourceType": "Bundle", "type": type_, "entry": list(entries)}
    return ehr.ask("POST", "", bundle, token="writer")


def take(version, **changes):
    slot = {**SLOT, "status": "busy", **changes}
    request = {"method": "PUT", "url": "Slot/s1", "ifMatch": f'W/"{version}"'}
    return {"resource": slot, "request": request}


def book(**request):
    return {"resource": BOOKED, "request": {"method": "POST", "url": "Appointment", **request}}


def booked(ehr):
    return ehr.get("Appointment?slot=Slot/s1").get("entry", [])


def test_all_of_it_is_done_and_answered_in_order(ehr):
    answer = ask(ehr, take(1), book())
    assert answer.status == 200
    bundle = decode(answer.body)
    assert bundle["type"] == "transaction-response"
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == [
        "Slot",
        "Appointment",
    ]
    assert [entry["response"]["status"] for entry in bundle["entry"]] == ["200", "201"]
    assert ehr.get("Slot/s1")["status"] == "busy"
    assert len(booked(ehr)) == 1


@pytest.mark.parametrize("wrong", [take(2), take(1, status=7), take(1, id="s2")])
def test_none_of_it_is_done_where_one_is_refused(ehr, wrong):
    assert ask(ehr, book(), wrong).status in (400, 404, 412, 422)
    assert booked(ehr) == []
    assert ehr.get("Slot/s1") == SLOT
    # What was undone is not found by its parameters either.
    assert ask(ehr, book(), take(1)).status == 200
    assert len(booked(ehr)) == 1


def test_a_conditional_create_finds_what_is_there(ehr):
    ask(ehr, book())
    answer = ask(ehr, book(ifNoneExist="identifier=urn:x|1"))
    (entry,) = decode(answer.body)["entry"]
    assert entry["response"]["status"] == "200"
    assert len(booked(ehr)) == 1


def test_one_that_offers_none_says_so_and_refuses(ehr):
    ehr.faults = type(ehr.faults)(transaction=False)
    offered = ehr.get("metadata")["rest"][0]["interaction"]
    assert offered == [{"code": "batch"}]
    assert ask(ehr, take(1)).status == 400
    assert ask(ehr, take(1), type_="batch").status == 200
