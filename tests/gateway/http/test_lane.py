"""What was settled before is answered on a short way, and only the time it takes can tell.

Two gateways get the same requests; one of them never takes the short way. Whatever a client, the
metrics or the audit trail could tell of a request has to be equal.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from contract.audit_chain import audit_keys
from gateway.app import create_app
from gateway.audit.verify import read_records
from gateway.bounds import Bucket, Budget, Cost, CostMode, Show
from gateway.documents import store
from gateway.documents.prepare import hash_text
from gateway.documents.registry import ClientDocuments, FolderRegistry
from gateway.execution.client import SubgraphUnavailable
from gateway.settings import Settings
from gateway.trust import Introspection
from tests.gateway.support.server import served
from tests.gateway.support.subgraph import SUPERGRAPH, ScriptedSubgraph

NAME = '{ patient(id: "p-1") { name } }'
MOOD = """
query Mood($id: ID!, $mood: Boolean = true) { patient(id: $id) { name mood @include(if: $mood) } }
"""
BOTH = '{ patient(id: "p-1") { name } weather(days: 3) }'
REQUESTS = [
    {"query": NAME},
    {"query": '{ patient(id: "p-2") { name } }'},
    {"query": '{ patient(id: "p-1") { name ssn } }'},
    {"query": '{ patient(id: "p-1") { id mood } }'},
    {"query": MOOD, "variables": {"id": "p-1"}},
    {"query": MOOD, "variables": {"id": "p-2"}},
    {"query": MOOD, "variables": {"id": "p-1", "mood": False}},
    {"query": MOOD, "variables": {"id": ["p-1"]}},
    {"query": MOOD, "variables": {}},
    {"query": BOTH},
    {"query": "{ a: weather b: weather c: weather(days: 1) }"},
    {"query": "{ entries { __typename id title } }"},
    {"query": "query A { weather } query B { __typename }", "operationName": "A"},
    {"query": "query A { weather } query B { __typename }", "operationName": "B"},
    {"query": "query A { weather } query B { __typename }"},
    {"query": 'mutation { rename(id: "p-1", name: "Ada") { name } }'},
    {"query": "{ __schema { types { name } } }"},
    {"query": "{ nope }"},
    {"query": NAME, "extensions": {"onDenial": "reject"}},
    {"query": '{ patient(id: "p-1") { ssn } }', "extensions": {"onDenial": "reject"}},
    [],
]
FAULTS = [
    {},
    {},
    {},
    {},
    {"down": True},
    {"answer": b'{"data":{"patient":null},"errors":[{"message":"no","path":["patient"]}]}'},
    {"answer": b'{"data":null,"errors":[{"message":"no"}]}'},
    {"answer": b'{"data":{"patient":{"name":5,"id":"p-1"},"weather":5}}'},
    {"answer": b"nonsense"},
    {"report": "missing"},
    {"report": "forged"},
    {"report": "replayed"},
]
STEPS = 120
# What tells the time, or how long something took, and what may be done together.
_UNSTEADY = re.compile(rb"_created|_sum|seconds_bucket|_age_seconds|audit_commits")


@dataclass
class Served:
    """A gateway over subgraphs that are reached by HTTP."""

    app: object
    address: tuple[str, int]
    subgraphs: dict[str, ScriptedSubgraph]
    taken: int = 0
    """Requests that took the short way."""
    client: Any = None
    """Whoever took it last, as the server knows it."""
    lines: list[Line] = field(default_factory=list)

    async def connect(self):
        self.lines.append(Line(*await asyncio.open_connection(*self.address)))
        return self.lines[-1]

    def hang_up(self):
        for each in self.lines:
            each.writer.close()

    def told(self):
        """By the metrics, and by the audit trail."""
        lines = self.app.metrics.expose().splitlines()
        counted = sorted(each for each in lines if not _UNSTEADY.search(each))
        settings = self.app.settings
        if not settings.audited:
            return counted, []
        records = read_records(settings.home, audit_keys(settings.key))
        return counted, [
            (e.kind, e.operation_hash, e.request, e.patients, e.refusals, e.denials, e.codes)
            for e in records
        ]


@dataclass
class Line:
    """One connection of a client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, body, token=None):
        self.send(body, token)
        return await self.read()

    def send(self, body, token=None):
        self.writer.write(request(body, token))

    async def read(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        request_id = headers.pop("x-request-id")
        return head[0], headers, body.replace(request_id.encode(), b"ID")


def request(body, token=None):
    content = json.dumps(body).encode()
    lines = ["POST /graphql HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode() + content


@asynccontextmanager
async def reached(subgraphs):
    """Their addresses, while they are served."""

    async def answer(asked):
        subgraph = subgraphs[asked.match_info["name"]]
        try:
            body = await subgraph.send(await asked.read(), asked.headers, 5.0)
        except SubgraphUnavailable:
            return web.Response(status=503)
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{name}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield {name: f"http://127.0.0.1:{runner.addresses[0][1]}/{name}" for name in subgraphs}
    await runner.cleanup()


@pytest.fixture
async def serve(tmp_path, issuer):
    """Start a gateway; one that is not `short` never takes the short way."""
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(SUPERGRAPH)
    async with AsyncExitStack() as running:

        async def start(name="home", *, short=True, **given):
            home = tmp_path / name
            home.mkdir()
            (home / "master.key").write_bytes(b"m" * 32)
            subgraphs = {
                "records": ScriptedSubgraph("records"),
                "weather": ScriptedSubgraph("weather"),
            }
            urls = await running.enter_async_context(reached(subgraphs))
            usual = {
                "supergraph": supergraph,
                "home": home,
                "issuers": (issuer.settings(),),
                "signed_subgraphs": {"records"},
                "subgraph_urls": urls,
                "propagate_headers": ("x-tenant",),
            }
            app = create_app(Settings(**(usual | given)))
            if app.settings.signed_subgraphs:
                subgraphs["records"].key = app.settings.key("context:records")
            url = await running.enter_async_context(served(app))
            host, port = url.removeprefix("http://").split(":")
            it = Served(app, (host, int(port)), subgraphs)
            lane = app.graphql.lane
            begin = lane.begin

            def counting(*args):
                turn = begin(*args) if short else None
                it.taken += turn is not None
                it.client = args[-1]
                return turn

            lane.begin = counting
            running.callback(it.hang_up)
            return it

        yield start


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"audit": False}, id="nothing is written down"),
        pytest.param({}, id="audited"),
        pytest.param(
            {"audit": False, "cost": Cost(mode=CostMode.ENFORCE, maximum=12, show=Show.EVERYONE)},
            id="with costs",
        ),
        pytest.param({"audit": False, "cost": Cost(mode=CostMode.OFF)}, id="without costs"),
    ],
)
async def test_both_ways_are_alike(serve, issuer, given):
    one = await serve("one", **given)
    other = await serve("other", short=False, **given)
    choose = random.Random(7)
    tokens = [issuer.token(), issuer.token(scope="user/*.rs ssn"), issuer.token(roles=[]), "no"]
    lines = [await one.connect(), await other.connect()]
    for step in range(STEPS):
        if step % 4 == 0:
            body, token = choose.choice(REQUESTS), choose.choice(tokens)
        fault, where = choose.choice(FAULTS), choose.choice(["records", "weather"])
        for each in (one, other):
            vars(each.subgraphs[where]).update(fault)
        answers = [await line.ask(body, token) for line in lines]
        assert answers[0] == answers[1], (body, fault, where)
        for each in (one, other):
            vars(each.subgraphs[where]).update(down=False, answer=None, report="signed")
    assert one.told() == other.told()
    assert [each.documents for each in one.subgraphs.values()] == [
        each.documents for each in other.subgraphs.values()
    ]
    assert one.taken > STEPS / 5
    assert one.app.assembly.pipeline.under_way == one.app.graphql.places.taken == 0


async def settled(served, line, body, token=None):
    """Ask until it is: the first answers make it so."""
    before = served.taken
    for _ in range(4):
        answer = await line.ask(body, token)
    assert served.taken > before
    return answer


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


def gate(served, name):
    """The subgraph answers when it is told to; returns once it has been asked again."""
    subgraph = served.subgraphs[name]
    subgraph.gate = asyncio.Event()
    subgraph.arrived.clear()
    return subgraph


async def test_what_comes_meanwhile_is_answered_after_it(serve, issuer):
    one, token = await serve(audit=False), issuer.token()
    line = await one.connect()
    weather = await settled(one, line, {"query": "{ weather }"}, token)
    name = await settled(one, line, {"query": NAME}, token)
    taken = one.taken
    subgraph = gate(one, "weather")
    line.send({"query": "{ weather }"}, token)
    await subgraph.arrived.wait()
    line.send({"query": NAME}, token)
    line.send({"query": "{ nope }"}, token)
    line.send({"query": NAME}, token)
    await asyncio.sleep(0.02)
    subgraph.gate.set()
    answers = [await line.read() for _ in range(4)]
    assert [each[0] for each in answers] == ["http/1.1 200 ok"] * 4
    assert answers[0] == weather
    assert answers[1] == answers[3] == name
    assert one.taken > taken


async def test_bodies_of_any_length_follow_a_known_head(serve, issuer):
    one, token = await serve(audit=False), issuer.token()
    line = await one.connect()
    answer = await settled(one, line, {"query": NAME}, token)
    taken = one.taken
    content = json.dumps({"query": NAME}).encode()
    for spaces in (1, 7, 1000):
        longer = request({"query": NAME}, token).replace(
            b"Content-Length: %d" % len(content), b"Content-Length: %d" % (len(content) + spaces)
        )
        line.writer.write(longer + b" " * spaces)
        assert await line.read() == answer
    assert one.taken == taken + 3


@pytest.mark.parametrize(
    "length", ["0", "-1", "1, 1", "+5", "5\r\nContent-Length: 5", "5\r\nTransfer-Encoding: chunked"]
)
async def test_no_other_length_does(serve, issuer, length):
    one, token = await serve(audit=False), issuer.token()
    line = await one.connect()
    await settled(one, line, {"query": NAME}, token)
    taken = one.taken
    whole = request({"query": NAME}, token)
    line.writer.write(re.sub(rb"Length: \d+", f"Length: {length}".encode(), whole))
    assert (await line.reader.readline()).startswith(b"HTTP/1.1 400")
    assert one.taken == taken


async def test_a_request_in_pieces_is_no_other(serve, issuer):
    one, token = await serve(audit=False), issuer.token()
    line = await one.connect()
    answer = await settled(one, line, {"query": NAME}, token)
    whole = request({"query": NAME}, token)
    for cut in (1, 20, len(whole) - 1):
        line.writer.write(whole[:cut])
        await asyncio.sleep(0.01)
        line.writer.write(whole[cut:])
        assert await line.read() == answer
    assert await line.ask({"query": NAME}, token) == answer


@pytest.mark.parametrize("audit", [False, True])
async def test_a_client_that_hangs_up_ends_the_fetch_which_is_audited(serve, issuer, audit):
    one, token = await serve(audit=audit), issuer.token()
    line = await one.connect()
    await settled(one, line, {"query": "{ weather }"}, token)
    subgraph = gate(one, "weather")
    taken = one.taken
    line.send({"query": "{ weather }"}, token)
    await subgraph.arrived.wait()
    assert one.taken == taken + 1
    records = len(one.told()[1])
    line.writer.close()
    pipeline = one.app.assembly.pipeline
    await until(lambda: not pipeline.under_way and not one.app.graphql.places.taken)
    assert len(one.told()[1]) == records + audit
    subgraph.gate.set()
    other = await one.connect()
    assert (await other.ask({"query": "{ weather }"}, token))[0].endswith("200 ok")


async def test_those_who_ask_the_same_at_once_share_the_answer_of_who_stays(serve, issuer):
    one, token = await serve(audit=False), issuer.token()
    lines = [await one.connect() for _ in range(3)]
    for each in lines:
        answer = await settled(one, each, {"query": "{ weather }"}, token)
    subgraph = gate(one, "weather")
    asked = len(subgraph.documents)
    for each in lines:
        each.send({"query": "{ weather }"}, token)
    await subgraph.arrived.wait()
    pipeline = one.app.assembly.pipeline
    await until(lambda: pipeline.under_way == 3)
    subgraph.arrived.clear()
    lines[0].writer.close()
    # Another one asks in its place.
    await subgraph.arrived.wait()
    await until(lambda: pipeline.under_way == 2)
    subgraph.gate.set()
    assert [await each.read() for each in lines[1:]] == [answer] * 2
    assert len(subgraph.documents) == asked + 2


async def test_a_subgraph_that_takes_too_long(serve, issuer):
    one, token = await serve(audit=False, subgraph_timeout=0.1), issuer.token()
    line = await one.connect()
    good = await settled(one, line, {"query": "{ weather }"}, token)
    subgraph = gate(one, "weather")
    answer = await line.ask({"query": "{ weather }"}, token)
    assert b"SUBGRAPH_UNAVAILABLE" in answer[2]
    subgraph.gate.set()
    subgraph.gate = None
    assert await line.ask({"query": "{ weather }"}, token) == good


async def test_more_than_there_are_places_for_are_refused(serve, issuer):
    one, token = await serve(audit=False, max_in_flight=1), issuer.token()
    lines = [await one.connect() for _ in range(2)]
    good = await settled(one, lines[0], {"query": "{ weather }"}, token)
    subgraph = gate(one, "weather")
    lines[0].send({"query": "{ weather }"}, token)
    await subgraph.arrived.wait()
    assert b"OVERLOADED" in (await lines[1].ask({"query": "{ weather }"}, token))[2]
    subgraph.gate.set()
    assert await lines[0].read() == good


async def test_a_token_that_was_revoked_is_noticed_in_time(serve, issuer, tmp_path):
    (tmp_path / "secret").write_text("secret")
    asking = Introspection(
        client_id="gateway", client_secret_file=tmp_path / "secret", signed_tokens=True
    )
    issuers = (issuer.settings(introspection=asking),)
    one = await serve(audit=False, token_cache_seconds=1, issuers=issuers)
    line, token = await one.connect(), issuer.token()
    await settled(one, line, {"query": NAME}, token)
    issuer.revoked.add(token)
    await asyncio.sleep(1)
    assert (await line.ask({"query": NAME}, token))[0].startswith("http/1.1 401")


async def test_another_schema_is_asked_at_once(serve, issuer, tmp_path):
    one, token = await serve(audit=False), issuer.token()
    line = await one.connect()
    await settled(one, line, {"query": "{ weather }"}, token)
    field_ = "weather(at: String, days: Int): String"
    closed = SUPERGRAPH.replace(field_, f'{field_} @requiresScopes(scopes: [["weather"]])')
    (tmp_path / "supergraph.graphql").write_text(closed)
    await one.app.reload()
    for _ in range(4):
        assert b"SCOPE_REQUIRED" in (await line.ask({"query": "{ weather }"}, token))[2]


async def test_a_document_that_is_taken_back_runs_no_more(serve, issuer, monkeypatch):
    monkeypatch.setattr(store, "REFRESH_SECONDS", 0.2)
    one, token = await serve(audit=False, trusted_only=True), issuer.token()
    registry = FolderRegistry(one.app.settings.home)
    body = {"documentId": hash_text(NAME)}
    await registry.write(ClientDocuments("portal", {hash_text(NAME): NAME}))
    line = await one.connect()
    await settled(one, line, body, token)
    await settled(one, line, {"query": NAME}, token)
    assert b"TRUSTED" in (await line.ask({"query": "{ weather }"}, token))[2]
    await registry.write(ClientDocuments("portal", {}))
    await asyncio.sleep(0.25)
    for each in (body, {"query": NAME}):
        assert b"TRUSTED" in (await line.ask(each, token))[2]


async def test_a_server_that_stops_answers_before_it_closes(serve, issuer):
    one, token = await serve(audit=False), issuer.token()
    line = await one.connect()
    good = await settled(one, line, {"query": "{ weather }"}, token)
    subgraph = gate(one, "weather")
    line.send({"query": "{ weather }"}, token)
    await subgraph.arrived.wait()
    one.client.shutdown()
    subgraph.gate.set()
    status, headers, body = await line.read()
    assert (status, body) == (good[0], good[2])
    assert headers == {**good[1], "connection": "close"}
    assert await line.reader.read() == b""


async def test_who_pays_does_not_take_it(serve, issuer):
    budget = Budget(requests=Bucket(maximum=5, restore_rate=0.001))
    one, token = await serve(audit=False, budget=budget), issuer.token()
    line = await one.connect()
    answers = [await line.ask({"query": NAME}, token) for _ in range(7)]
    assert [each[0].split()[1] for each in answers] == ["200"] * 5 + ["429"] * 2
    assert one.taken == 0
