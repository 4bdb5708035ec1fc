"""`appointmentChanged`: by the messages of a feed, decided at the start and for each event."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing
from uuid import uuid4

import msgspec
import pytest

from contract.access import verify_report
from contract.context import HEADER, Caller, Context, body_hash, sign_context
from contract.keys import derive_key
from gateway.execution.direct_client import DirectSubgraphClient
from subgraphs.connectors.hl7v2.siu import STATUSES
from tests.subgraphs.conftest import CLINICIAN, MASTER
from tests.subgraphs.signed import post
from tests.subgraphs.test_inbox import TOKEN, admitted, message, person, settings, the_patient, ward

__all__ = ["settings", "ward"]

CHANGED = """subscription($patient: ID, $practitioner: ID) {
  appointmentChanged(patientId: $patient, practitionerId: $practitioner) {
    appointment { status start patient { id } } } }"""
OTHER = Caller(subject="o", roles=("patient",), scopes=("patient/*.rs",), patient="ward/nobody")


def booked(number: str, event: str = "S12", mrn: str = "778", hour: str = "10") -> bytes:
    assert event in STATUSES
    sch = f"SCH|P-1|F-1|||||^Check-up||||^^^20270102{hour}0000+0000^20270102{hour}3000+0000"
    sent = f"2026010211{number[-2:]}00+0000"
    return message(f"SIU^{event}", number, sent, sch, person(mrn))


async def push(ward, body: bytes) -> None:
    status, _ = await post(ward.apps["identity"], "/inbox/ward", body, [TOKEN])
    assert status == 200


def listening(ward, caller=CLINICIAN, **variables):
    body = json.dumps({"query": CHANGED, "variables": variables}).encode()
    key = derive_key(MASTER, "context:scheduling")
    now = int(time.time())
    context = Context("scheduling", body_hash(body), now, "r1", caller, uuid4().hex)
    client = DirectSubgraphClient(ward.apps["scheduling"])
    return aclosing(client.subscribe(body, [(HEADER, sign_context(context, key))], 5))


def subscribed(ward):
    """Topics beside those that the processes listen to for themselves."""
    return ward.apps["scheduling"].subgraph.events._listeners.keys() - {"sources", "directives"}


async def read(events):
    async with asyncio.timeout(5):
        answer = json.loads(await anext(events))
    text = answer.pop("extensions")["access"]
    key = derive_key(MASTER, "context:scheduling")
    return answer, verify_report(text, subgraph="scheduling", request_id="r1", key=key)


async def heard(ward) -> None:
    """Until somebody listens."""
    async with asyncio.timeout(5):
        while not subscribed(ward):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def after(ward, events, *messages):
    waiting = asyncio.create_task(read(events))
    await heard(ward)
    for each in messages:
        await push(ward, each)
    return await waiting


async def test_a_feeds_messages_are_told_as_they_come(ward):
    await push(ward, admitted())
    patient = await the_patient(ward)
    async with listening(ward, patient=patient["id"]) as events:
        for number, event, status in (("B01", "S12", "booked"), ("B02", "S15", "cancelled")):
            answer, report = await after(ward, events, booked(number, event))
            told = answer["data"]["appointmentChanged"]["appointment"]
            assert (told["status"], told["patient"]["id"]) == (status, patient["id"])
            assert report.patients == (patient["id"],)
    assert not subscribed(ward)


async def test_of_another_patient_nothing_is_told(ward):
    await push(ward, admitted())
    await push(ward, admitted("A2", "779"))
    one, _ = await the_two(ward)
    own, other = ("778", "779") if is_of(ward, one, "778") else ("779", "778")
    async with listening(ward, patient=one["id"]) as events:
        messages = booked("B01", mrn=other, hour="08"), booked("B02", mrn=own, hour="12")
        answer, _ = await after(ward, events, *messages)
    assert "T12:00" in answer["data"]["appointmentChanged"]["appointment"]["start"]


async def the_two(ward):
    for _ in range(500):
        found = await ward.patients(9)
        if len(found) == 2:
            return found
        await asyncio.sleep(0.01)
    pytest.fail("they are not both known")


def is_of(ward, patient, mrn) -> bool:
    store = ward.apps["scheduling"].subgraph.services.sources["ward"]._server._store
    return any(
        link.id == store.name("ward", "patient", "WARD", mrn) for link in ward.links(patient)
    )


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (OTHER, "NOT_FOUND"),
        (Caller(subject="x", roles=("biller",), scopes=("user/Patient.rs",)), "NOT_FOUND"),
        (msgspec.structs.replace(OTHER, patient=None), "NOT_FOUND"),
    ],
)
async def test_who_may_not_is_refused_at_the_start(ward, caller, code):
    await push(ward, admitted())
    patient = await the_patient(ward)
    async with listening(ward, caller, patient=patient["id"]) as events:
        answer, _ = await read(events)
    assert answer["data"] == {"appointmentChanged": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


async def test_one_of_the_two_is_named_or_neither(ward):
    async with listening(ward, patient="x", practitioner="y") as events:
        answer, _ = await read(events)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]


async def test_who_is_nobody_in_particular_has_nothing_of_their_own(ward):
    async with listening(ward) as events:
        answer, _ = await read(events)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
