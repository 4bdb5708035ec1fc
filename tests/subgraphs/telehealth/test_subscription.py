"""`virtualVisitStatus`: heard from the vendor's notices, decided anew for each event."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest

from contract.access import verify_report
from contract.context import Caller
from subgraphs.runtime.events import WAITING
from subgraphs.runtime.sealing import RecordRef
from subgraphs.telehealth.sources.notices import topic_of
from tests.subgraphs.serving import WAYS, reached, signed
from tests.subgraphs.signed import KEY
from tests.subgraphs.telehealth.graph import ADA_HERSELF, HOST, subgraph
from tests.subgraphs.telehealth.test_webhook import notice, push

STATUS = "subscription($id: ID!) { virtualVisitStatus(visitId: $id) { status appointment { id } } }"
BOB = Caller(
    subject="b",
    roles=("patient",),
    scopes=("patient/*.rs",),
    patient="ehr-a/e-bob",
    fhir_user="ehr-a/Patient/e-bob",
)


def appointment(graph) -> str:
    ref = RecordRef("ehr-a", "Appointment", "a-1", "e-ada")
    return graph.app.subgraph.ids.seal("scheduling", ref)


def visit_id(graph) -> str:
    ref = RecordRef("telehealth", "VirtualVisit", "v1", appointment(graph))
    return graph.app.subgraph.ids.seal("telehealth", ref)


def listening(graph, client, caller=HOST, query=STATUS, **changes):
    body = json.dumps({"query": query, "variables": {"id": visit_id(graph)}}).encode()
    return aclosing(client.subscribe(body, signed("telehealth", body, caller, **changes), 5))


async def read(events):
    """The next event, and its access report."""
    async with asyncio.timeout(5):
        answer = json.loads(await anext(events))
    text = answer.pop("extensions")["access"]
    return answer, verify_report(text, subgraph="telehealth", request_id="r1", key=KEY)


def told(graph, status):
    seen = {"status": status, "appointment": {"id": appointment(graph)}}
    return {"data": {"virtualVisitStatus": seen}}


async def until(holds) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("caller", [HOST, ADA_HERSELF])
async def test_tells_how_it_stands_and_each_change(way, caller):
    graph = subgraph("v1")
    async with reached(graph.app, way) as client, listening(graph, client, caller) as events:
        answer, report = await read(events)
        assert (answer, report.patients) == (told(graph, "SCHEDULED"), ("ada",))
        for minute, status in enumerate(("waiting", "started")):
            graph.visits["v1"]["status"] = status
            assert await push(graph, notice("v1", status, minute)) == 204
            assert (await read(events))[0] == told(graph, status.upper())
        # What is no news, and what is of another visit, is not told.
        await push(graph, notice("v1", "waiting", 0))
        await push(graph, notice("v2", "ended", 9))
        graph.visits["v1"]["status"] = "ended"
        await push(graph, notice("v1", "ended", 5))
        assert (await read(events))[0] == told(graph, "ENDED")
        assert graph.app.under_way == 1
    await until(lambda: graph.app.under_way == 0)
    await until(lambda: not graph.app.subgraph.events._listeners)


@pytest.mark.parametrize("way", WAYS)
async def test_a_pushed_status_is_told_while_the_vendor_is_down(way):
    graph = subgraph("v1")
    async with reached(graph.app, way) as client, listening(graph, client) as events:
        await read(events)
        graph.status = 500
        await push(graph, notice("v1", "started"))
        assert (await read(events))[0] == told(graph, "STARTED")


@pytest.mark.parametrize("way", WAYS)
async def test_another_patient_hears_nothing(way):
    graph = subgraph("v1")
    async with reached(graph.app, way) as client, listening(graph, client, BOB) as events:
        for _ in range(2):
            answer, report = await read(events)
            assert answer == {"data": {"virtualVisitStatus": None}}
            assert [each.reason for each in report.refusals] == ["compartment"]
            assert report.patients == ()
            await push(graph, notice("v1", "started"))
    assert graph.asked == []


@pytest.mark.parametrize("way", WAYS)
async def test_who_falls_behind_is_told(way):
    graph = subgraph("v1")
    async with reached(graph.app, way) as client, listening(graph, client) as events:
        await read(events)
        for _ in range(WAITING + 1):
            graph.app.subgraph.events.tell(topic_of("telehealth", "v1"), b"")
        answers = [json.loads(event) async for event in events]
    assert answers[-1]["errors"][0]["extensions"]["code"] == "EVENTS_LOST"
    assert len(answers) <= 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("query", "changes", "code"),
    [
        (STATUS, {"audience": "records"}, "CONTEXT_REFUSED"),
        (STATUS, {"body": "0" * 64}, "CONTEXT_REFUSED"),
        (STATUS, {"issued_at": 0}, "CONTEXT_REFUSED"),
        (STATUS.replace("status", "nope"), {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_is_not_asked_rightly_is_refused(way, query, changes, code):
    graph = subgraph("v1")
    async with (
        reached(graph.app, way) as client,
        listening(graph, client, query=query, **changes) as events,
    ):
        (answer,) = [json.loads(event) async for event in events]
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert "data" not in answer


@pytest.mark.parametrize("sealed", ["", "x", "appointment"])
async def test_an_id_that_is_none_is_not_found(sealed):
    graph = subgraph("v1")
    given = appointment(graph) if sealed == "appointment" else sealed
    body = json.dumps({"query": STATUS, "variables": {"id": given}}).encode()
    async with reached(graph.app, "direct") as client:
        headers = signed("telehealth", body, HOST)
        (answer,) = [json.loads(event) async for event in client.subscribe(body, headers, 5)]
    assert answer["data"] == {"virtualVisitStatus": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
