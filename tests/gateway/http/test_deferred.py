"""Answers in parts over HTTP: who gets them, in which draft, and what each part may tell."""

from __future__ import annotations

import asyncio
import json

import pytest

from contract.errors import Code
from gateway.errors import FaultError
from tests.gateway.http.test_streams import events_of, parts_of, until
from tests.gateway.http.test_websocket import opened, subscribe

QUERY = """query ($later: Boolean = true) {
  patient(id: "p-1") { name ... @defer(label: "mood", if: $later) { mood } }
}"""
WHOLE = {"patient": {"name": "Lovelace", "mood": "fair"}}
CURRENT = "multipart/mixed"
APOLLO = "multipart/mixed;deferSpec=20220824,application/json"
EVENTS = "text/event-stream"
JSON = "application/json"
FIRST = {
    "data": {"patient": {"name": "Lovelace"}},
    "pending": [{"id": "0", "path": ["patient"], "label": "mood"}],
    "hasNext": True,
}
SECOND = {
    "incremental": [{"id": "0", "data": {"mood": "fair"}}],
    "completed": [{"id": "0"}],
    "hasNext": False,
}


@pytest.fixture
async def gateway(start):
    return await start(dev=True)


async def parts(gateway, query=QUERY, accept=CURRENT, token=None, **body):
    reply = await gateway.post({"query": query, **body}, token, accept=accept)
    return parts_of(reply.body, "-")


async def test_parts_of_the_present_draft(gateway):
    assert await parts(gateway) == [FIRST, SECOND]


async def test_parts_as_events(gateway):
    reply = await gateway.post({"query": QUERY}, accept=EVENTS)
    assert events_of(reply.body) == [("next", FIRST), ("next", SECOND), ("complete", None)]


async def test_parts_of_the_draft_that_apollo_asks_for(gateway):
    assert await parts(gateway, accept=APOLLO) == [
        {"data": {"patient": {"name": "Lovelace"}}, "hasNext": True},
        {
            "incremental": [{"data": {"mood": "fair"}, "path": ["patient"], "label": "mood"}],
            "hasNext": False,
        },
    ]


@pytest.mark.parametrize("accept", [JSON, "*/*", "multipart/mixed;subscriptionSpec=1.0, */*"])
async def test_who_takes_no_parts_gets_all_at_once(gateway, accept):
    reply = await gateway.post({"query": QUERY}, accept=accept)
    assert reply.json == {"data": WHOLE}


@pytest.mark.parametrize(
    ("query", "variables", "data"),
    [
        pytest.param(QUERY, {"later": False}, WHOLE, id="a variable says no"),
        pytest.param(QUERY.replace('"p-1"', '"p-2"'), {}, {"patient": None}, id="nothing there"),
        pytest.param(
            '{ patient(id: "p-1") { name ... @defer { name } } }',
            {},
            {"patient": {"name": "Lovelace"}},
            id="nothing of its own",
        ),
    ],
)
async def test_what_has_nothing_to_come_is_an_answer_like_any_other(
    gateway, query, variables, data
):
    body = {"query": query, "variables": variables}
    reply = await gateway.post(body, accept=f"{CURRENT}, {JSON}")
    assert (reply.headers["content-type"], reply.json) == (
        "application/json; charset=utf-8",
        {"data": data},
    )


@pytest.mark.parametrize("accept", [CURRENT, APOLLO, EVENTS])
async def test_the_first_part_waits_for_nothing_that_is_deferred(gateway, accept):
    gateway.weather.gate = asyncio.Event()
    address, headers = f"{gateway.url}/graphql", {"accept": accept}
    async with gateway.http.post(address, json={"query": QUERY}, headers=headers) as reply:
        read = await reply.content.readany()
        while b"hasNext" not in read:
            read += await reply.content.readany()
        assert b"Lovelace" in read
        assert b"fair" not in read
        gateway.weather.gate.set()
        assert b"fair" in await reply.content.read()


async def test_who_hangs_up_leaves_nothing_running(gateway):
    gateway.weather.gate = asyncio.Event()
    address, headers = f"{gateway.url}/graphql", {"accept": EVENTS}
    async with gateway.http.post(address, json={"query": QUERY}, headers=headers) as reply:
        await reply.content.readany()
        assert gateway.app.assembly.pipeline.under_way == 1
    await until(lambda: gateway.app.graphql.streams.taken == 0)
    assert gateway.app.assembly.pipeline.under_way == 0
    gateway.weather.gate.set()
    await asyncio.sleep(0)
    assert gateway.weather.documents == []


async def test_parts_over_a_websocket(gateway):
    async with opened(gateway) as socket:
        await socket.begin()
        await socket.send(subscribe(query=QUERY))
        assert await socket.until("complete") == [
            {"type": "next", "id": "1", "payload": FIRST},
            {"type": "next", "id": "1", "payload": SECOND},
            {"type": "complete", "id": "1"},
        ]


@pytest.mark.parametrize("accept", [CURRENT, APOLLO])
async def test_what_it_cost_comes_with_the_last_part(start, accept):
    gateway = await start(dev=True, cost={"show": "everyone"})
    reply = await gateway.post({"query": QUERY}, accept=JSON)
    first, second = await parts(gateway, accept=accept)
    assert "extensions" not in first
    at_once, deferred = reply.json["extensions"]["cost"], second["extensions"]["cost"]
    # The deferred fragment's own requests are charged, and not given back.
    assert deferred == {name: points + 10 for name, points in at_once.items()}


async def test_plans_are_made_before_anyone_asks(gateway, monkeypatch):
    gateway.app.assembly.pipeline.warm(QUERY)
    monkeypatch.setattr("gateway.engine.plan", None)
    assert await parts(gateway) == [FIRST, SECOND]
    reply = await gateway.post({"query": QUERY})
    assert reply.json == {"data": WHOLE}


async def test_what_fails_later_is_told_later(gateway):
    gateway.weather.down = True
    first, second = await parts(gateway)
    assert first == FIRST
    (increment,) = second["incremental"]
    assert increment["data"] == {"mood": None}
    (error,) = increment["errors"]
    assert error["path"] == ["patient", "mood"]
    assert error["extensions"]["code"] == "SUBGRAPH_UNAVAILABLE"


async def test_what_is_denied_is_denied_in_its_part_and_not_fetched(start, issuer):
    gateway = await start()
    query = '{ patient(id: "p-1") { name ... @defer { ssn } } }'
    first, second = await parts(gateway, query, token=issuer.token())
    assert "errors" not in first
    (increment,) = second["incremental"]
    assert increment["data"] == {"ssn": None}
    (error,) = increment["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["patient", "ssn"], "SCOPE_REQUIRED")
    assert not any("ssn" in document for document in gateway.records.documents)


async def test_each_part_is_written_down_before_it_leaves(start, issuer):
    gateway = await start()
    trail, records = gateway.app.assembly.parts.trail, []
    commit = trail.commit

    async def note(record):
        records.append(record)
        if len(records) == 2:
            raise FaultError(Code.AUDIT_UNAVAILABLE)
        await commit(record)

    trail.commit = note
    first, last = await parts(gateway, token=issuer.token())
    assert first == FIRST
    assert last["errors"][0]["extensions"]["code"] == "AUDIT_UNAVAILABLE"
    assert "fair" not in json.dumps(last)
    assert len({record.request_id for record in records}) == 1
    assert [record.patients for record in records] == [("p-1",), ("p-1",)]


async def test_a_variable_that_does_not_fit_is_refused_with_a_status(gateway):
    body = {"query": QUERY, "variables": {"later": 7}}
    reply = await gateway.post(body, accept=CURRENT)
    assert (reply.status, reply.codes) == (400, ["BAD_USER_INPUT"])


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (
            'mutation { ... @defer { rename(id: "p-1", name: "x") { id } } }',
            "Defer directive cannot be used on root mutation type 'Mutation'.",
        ),
        (
            'query ($l: String) { patient(id: "p-1") { ... @defer(label: $l) { id } } }',
            "Defer directive label argument must be a static string.",
        ),
        (
            '{ ... @defer(label: "a") { weather } entries { ... @defer(label: "a") { id } } }',
            "Defer/Stream directive label argument must be unique.",
        ),
        (
            'subscription { patientChanged(id: "p-1") { ... @defer { name } } }',
            (
                "Defer directive not supported on subscription operations."
                " Disable `@defer` by setting the `if` argument to `false`."
            ),
        ),
        (
            "{ entries @stream { id } }",
            "@stream is not supported; ask for a page of the list, or @defer what is slow.",
        ),
        ("{ weather @defer }", "Directive '@defer' may not be used on field."),
    ],
)
async def test_what_cannot_be_deferred_is_refused_in_words(gateway, query, told):
    reply = await gateway.post({"query": query}, accept=CURRENT)
    assert (reply.status, set(reply.codes)) == (400, {"GRAPHQL_VALIDATION_FAILED"})
    assert told in [error["message"] for error in reply.json["errors"]]


async def test_an_event_of_a_subscription_is_whole(gateway):
    query = """subscription ($later: Boolean!) {
      patientChanged(id: "p-1", times: 1) { name ... @defer(if: $later) { mood } }
    }"""
    body = {"query": query, "variables": {"later": True}}
    reply = await gateway.post(body, accept=EVENTS)
    (_, payload), _ = events_of(reply.body)
    assert payload == {"data": {"patientChanged": {"name": "Lovelace 0", "mood": "fair"}}}


async def test_a_mutation_may_defer_what_it_returns(gateway):
    query = """mutation {
      rename(id: "p-1", name: "Byron") { name ... @defer { mood } }
      again: rename(id: "p-1", name: "King") { name }
    }"""
    first, second = await parts(gateway, query)
    assert first["data"] == {"rename": {"name": "Byron"}, "again": {"name": "King"}}
    assert second["incremental"] == [{"id": "0", "data": {"mood": "fair"}}]


async def test_tools_see_that_it_may_be_used(gateway):
    query = "{ __schema { directives { name locations args { name } } } }"
    reply = await gateway.post({"query": query})
    found = {each["name"]: each for each in reply.json["data"]["__schema"]["directives"]}
    assert found["defer"]["locations"] == ["FRAGMENT_SPREAD", "INLINE_FRAGMENT"]
    assert {each["name"] for each in found["defer"]["args"]} == {"if", "label"}
    assert "stream" not in found
