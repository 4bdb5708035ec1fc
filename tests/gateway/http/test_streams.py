"""Answers of several payloads over HTTP: framing, endings, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from contract.event_stream import EventParser
from gateway.http.negotiation import Stream, negotiate

FINITE = 'subscription { patientChanged(id: "p-1", times: 3) { name mood } }'
ENDLESS = 'subscription { patientChanged(id: "p-1") { name } }'
EVENTS = "text/event-stream"
APOLLO = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"
NAMES = [f"Lovelace {number}" for number in range(3)]


@pytest.fixture
async def gateway(start):
    return await start(dev=True)


def events_of(body: bytes) -> list[tuple[str, object]]:
    parsed = EventParser(1_000_000).feed(body)
    return [(each.type, json.loads(each.data or b"null")) for each in parsed]


def parts_of(body: bytes, boundary: str) -> list[object]:
    """https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1"""
    start, *parts, end = body.decode().split(f"\r\n--{boundary}")
    assert (start, end) == ("", "--\r\n")
    heads = [part.split("\r\n\r\n", 1)[0] for part in parts]
    assert set(heads) == {"\r\ncontent-type: application/json; charset=utf-8"}
    return [json.loads(part.split("\r\n\r\n", 1)[1]) for part in parts]


async def until(holds) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - it is seen from outside only
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("accept", "stream", "incremental", "only"),
    [
        (None, None, "none", False),
        ("application/json", None, "none", False),
        ("*/*", None, "none", False),
        ("text/*", None, "none", False),
        (EVENTS, Stream.EVENTS, "current", True),
        ("TEXT/Event-Stream;q=0.5, application/json", Stream.EVENTS, "current", False),
        ("text/event-stream;q=0, application/json", None, "none", False),
        ("text/event-stream; charset=latin-1", None, "none", False),
        ("multipart/mixed", Stream.PARTS, "current", True),
        ("multipart/mixed;incrementalSpec=v0.2,*/*", Stream.PARTS, "current", False),
        ("multipart/mixed;deferSpec=20220824,*/*", Stream.PARTS, "apollo-2022", False),
        ("multipart/mixed;deferSpec=19990101,*/*", None, "none", False),
        (APOLLO, Stream.SUBSCRIPTION_PARTS, "none", False),
        ("multipart/mixed;subscriptionSpec=2.0,application/json", None, "none", False),
        ('multipart/mixed;subscriptionSpec="1.0"', Stream.SUBSCRIPTION_PARTS, "none", True),
        ("multipart/mixed;q=0.5,text/event-stream", Stream.EVENTS, "current", True),
    ],
)
def test_a_client_says_how_it_takes_streams(accept, stream, incremental, only):
    accepted = negotiate(accept)
    assert (accepted.stream, accepted.incremental) == (stream, incremental)
    assert accepted.only_stream is only


async def test_events_come_completed_by_other_subgraphs(gateway):
    reply = await gateway.post({"query": FINITE}, accept=EVENTS)
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert events_of(reply.body) == [
        *(("next", {"data": {"patientChanged": {"name": n, "mood": "fair"}}}) for n in NAMES),
        ("complete", None),
    ]


async def test_parts_as_apollo_reads_them(gateway):
    reply = await gateway.post({"query": FINITE}, accept=APOLLO)
    content_type = reply.headers["content-type"]
    assert content_type == 'multipart/mixed; boundary="graphql"; subscriptionSpec=1.0'
    assert parts_of(reply.body, "graphql") == [
        {"payload": {"data": {"patientChanged": {"name": name, "mood": "fair"}}}} for name in NAMES
    ]


async def test_a_plain_answer_comes_as_the_client_wants_it(gateway):
    body = {"query": "{ weather }"}
    answer = {"data": {"weather": "fine"}}
    reply = await gateway.post(body, accept=EVENTS)
    assert events_of(reply.body) == [("next", answer), ("complete", None)]
    reply = await gateway.post(body, accept="multipart/mixed")
    assert reply.headers["content-type"] == 'multipart/mixed; boundary="-"'
    assert parts_of(reply.body, "-") == [answer]
    for accept in (APOLLO, "multipart/mixed, application/json", f"{EVENTS}, application/json"):
        reply = await gateway.post(body, accept=accept)
        assert (reply.json, reply.headers["content-type"]) == (
            answer,
            "application/json; charset=utf-8",
        )


@pytest.mark.parametrize("accept", ["application/json", "*/*", "multipart/mixed"])
async def test_a_subscription_needs_a_stream(gateway, accept):
    reply = await gateway.post({"query": FINITE}, accept=accept)
    assert (reply.status, reply.codes) == (406, ["STREAM_REQUIRED"])
    assert gateway.records.documents == []


@pytest.mark.parametrize("accept", [EVENTS, 'multipart/mixed;subscriptionSpec="1.0"'])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": "subscription { nope }"}, 400, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "subscription {"}, 400, "GRAPHQL_PARSE_FAILED"),
        (
            {"query": "subscription { patientChanged(id: 1) { id } secretChanged { id } }"},
            400,
            "GRAPHQL_VALIDATION_FAILED",
        ),
        ({"variables": {}}, 400, "BAD_REQUEST"),
    ],
)
async def test_what_cannot_begin_is_refused_with_a_status(gateway, accept, body, status, code):
    reply = await gateway.post(body, accept=accept)
    assert (reply.status, reply.codes) == (status, [code])


async def test_a_variable_that_does_not_fit_ends_the_stream(gateway):
    query = "subscription S($id: ID!) { patientChanged(id: $id) { id } }"
    reply = await gateway.post({"query": query}, accept=EVENTS)
    (kind, payload), last = events_of(reply.body)
    assert (kind, last) == ("next", ("complete", None))
    assert payload["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    reply = await gateway.post({"query": query}, accept=APOLLO)
    (part,) = parts_of(reply.body, "graphql")
    assert part["payload"] is None
    assert part["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_who_hangs_up_leaves_nothing_running(gateway):
    for accept in (EVENTS, APOLLO):
        address = f"{gateway.url}/graphql"
        headers = {"accept": accept}
        async with gateway.http.post(address, json={"query": ENDLESS}, headers=headers) as reply:
            await reply.content.readany()
            assert gateway.records.listening == 1
        await until(lambda: gateway.records.listening == 0)
        await until(lambda: gateway.app.graphql.streams.taken == 0)
        assert gateway.app.assembly.pipeline.under_way == 0


async def test_a_subgraph_that_breaks_off_is_told_and_ends_it(gateway):
    gateway.records.breaks = True
    reply = await gateway.post({"query": ENDLESS}, accept=EVENTS)
    (_, first), (_, second), last = events_of(reply.body)
    assert first == {"data": {"patientChanged": {"name": NAMES[0]}}}
    assert second["data"] == {"patientChanged": None}
    (error,) = second["errors"]
    assert (error["path"], error["extensions"]["code"]) == (
        ["patientChanged"],
        "SUBGRAPH_UNAVAILABLE",
    )
    assert last == ("complete", None)
    assert gateway.records.listening == 0


async def test_an_error_of_an_event_stands_at_the_clients_path(start):
    gateway = await start(dev=True, signed_subgraphs=frozenset())
    error = {"message": "x", "path": ["changed", "called"]}
    event = {"data": {"changed": {"called": None}}, "errors": [error]}
    gateway.records.answer = json.dumps(event).encode()
    query = 'subscription { changed: patientChanged(id: "p-1") { called: name } }'
    reply = await gateway.post({"query": query}, accept=EVENTS)
    (_, payload), _ = events_of(reply.body)
    assert payload["data"] == {"changed": {"called": None}}
    assert payload["errors"][0]["path"] == ["changed", "called"]


async def test_a_silent_stream_shows_signs_of_life(start):
    gateway = await start(dev=True, streams={"heartbeat_seconds": 0.05})
    gateway.records.gate = asyncio.Event()
    for accept, beat in ((EVENTS, b":\n\n"), (APOLLO, b"\r\n\r\n{}\r\n--graphql")):
        address, headers = f"{gateway.url}/graphql", {"accept": accept}
        async with gateway.http.post(address, json={"query": ENDLESS}, headers=headers) as reply:
            read = b""
            while read.count(beat) < 3:
                read += await reply.content.readany()
            assert b"data:" not in read


async def test_so_many_streams_and_no_more(start):
    gateway = await start(dev=True, streams={"open": 1})
    address, headers = f"{gateway.url}/graphql", {"accept": EVENTS}
    async with gateway.http.post(address, json={"query": ENDLESS}, headers=headers) as reply:
        await reply.content.readany()
        refused = await gateway.post({"query": FINITE}, accept=EVENTS)
        assert (refused.status, refused.codes) == (503, ["OVERLOADED"])
    await until(lambda: gateway.app.graphql.streams.taken == 0)
    assert (await gateway.post({"query": FINITE}, accept=EVENTS)).status == 200


async def test_a_new_schema_ends_what_listens_to_the_old(gateway):
    asking = asyncio.create_task(gateway.post({"query": ENDLESS}, accept=EVENTS))
    await until(lambda: gateway.records.listening == 1)
    await gateway.app.reload()
    *_, (_, payload), last = events_of((await asking).body)
    assert payload["errors"][0]["extensions"]["code"] == "SCHEMA_CHANGED"
    assert last == ("complete", None)
    assert gateway.records.listening == 0


async def test_a_token_that_expires_ends_what_it_began(start, issuer):
    gateway = await start(signed_subgraphs=frozenset(), audit=False, closed=False)
    token = issuer.token(exp=int(time.time()) + 2)
    reply = await gateway.post({"query": ENDLESS}, token, accept=EVENTS)
    *_, (_, payload), last = events_of(reply.body)
    assert payload["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"
    assert last == ("complete", None)


async def test_each_event_is_written_down_before_it_leaves(start, issuer):
    gateway = await start()
    reply = await gateway.post({"query": FINITE}, issuer.token(), accept=EVENTS)
    assert [kind for kind, _ in events_of(reply.body)] == ["next"] * 3 + ["complete"]
    (context,) = gateway.records.contexts
    assert context.caller.subject == "practitioner-7"
    reply = await gateway.post({"query": ENDLESS}, accept=EVENTS)
    assert (reply.status, reply.codes) == (401, ["UNAUTHENTICATED"])


@pytest.mark.parametrize("report", ["missing", "forged", "replayed", "nonsense"])
async def test_an_event_without_its_report_is_kept_back(start, issuer, report):
    gateway = await start()
    gateway.records.report = report
    reply = await gateway.post({"query": ENDLESS}, issuer.token(), accept=EVENTS)
    (_, payload), last = events_of(reply.body)
    assert payload["data"] == {"patientChanged": None}
    assert payload["errors"][0]["extensions"]["code"] == "SUBGRAPH_INVALID_RESPONSE"
    assert (last, gateway.records.listening) == (("complete", None), 0)


async def test_what_may_not_be_seen_is_not_listened_to(start, issuer):
    gateway = await start()
    query = "subscription { secretChanged { name } }"
    reply = await gateway.post({"query": query}, issuer.token(), accept=EVENTS)
    (_, payload), last = events_of(reply.body)
    assert payload["data"] == {"secretChanged": None}
    assert payload["errors"][0]["extensions"]["code"] == "SCOPE_REQUIRED"
    assert (last, gateway.records.documents) == (("complete", None), [])
