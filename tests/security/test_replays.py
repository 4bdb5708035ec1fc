"""What must not begin twice: the context of a mutation or a subscription carries a nonce, which
opens the subgraph a single time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
import strawberry
from redis.asyncio import Redis

from contract.context import HEADER, MAX_AGE, Caller, Context, body_hash, sign_context
from gateway.exchange import Peers, RequestExchange
from gateway.execution.direct_client import DirectSubgraphClient
from gateway.flights import Sender
from gateway.operation.tree import OperationKind
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk
from subgraphs.runtime.nonces import KEPT_SECONDS, LocalNonces, SharedNonces, connect_nonces
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.sealing import IdSeal
from tests.subgraphs.serving import WAYS, reached, signed
from tests.subgraphs.signed import KEY, NOW, post

NEXT = b"n" * 32
WRITE = "mutation { write }"
READ = "query Read { read } mutation Write { write }"


@strawberry.type
class Query:
    @strawberry.field
    def read(self) -> int:
        return 0


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, info: strawberry.Info) -> int:
        written = info.context.subgraph.services
        written.append(1)
        return len(written)


class One:
    """An event, as `subgraphs.runtime.subscribing` wants it."""

    async def load(self, _):
        return 1


@strawberry.type
class Subscription:
    @strawberry.subscription(graphql_type=int)
    async def events(self) -> AsyncGenerator[Any, None]:
        yield One()


class World:
    """A subgraph that counts what it writes; `keys` are those it accepts."""

    def __init__(self, nonces=None, keys=None):
        self.written = []
        subgraph = Subgraph("notes", IdSeal(KEY), Crosswalk(KEY), None, self.written)
        self.app = create_subgraph_app(
            subgraph,
            SubgraphSchema(query=Query, mutation=Mutation, subscription=Subscription),
            keys=keys or {"1": KEY},
            clock=lambda: NOW,
            nonces=nonces,
        )

    async def send(self, query=WRITE, key=KEY, header=None, name=None, **claims):
        body = json.dumps({"query": query, "operationName": name}).encode()
        if header is None:
            header = self.header(body, key, **claims)
        status, answer = await post(
            self.app, "/graphql", body, [(HEADER.encode(), header.encode())]
        )
        return status, json.loads(answer)

    def header(self, sent, key=KEY, **claims):
        usual = {"audience": "notes", "body": body_hash(sent), "issued_at": int(NOW)}
        usual |= {"request_id": "r", "caller": Caller("c", roles=("nurse",)), "nonce": "n" * 32}
        return sign_context(Context(**(usual | claims)), key)


@pytest.fixture(params=["local", "shared"])
async def nonces(request):
    if request.param == "local":
        yield LocalNonces()
        return
    shared, redis = connect_nonces(request.getfixturevalue("valkey_url"))
    await redis.flushall()
    yield shared
    await redis.aclose()


def refused(answered):
    status, answer = answered
    return status == 401 and [e["extensions"]["code"] for e in answer["errors"]] == [
        "CONTEXT_REFUSED"
    ]


async def test_a_mutation_runs_once(nonces):
    world = World(nonces)
    status, answer = await world.send()
    assert (status, answer["data"]) == (200, {"write": 1})
    assert refused(await world.send())
    assert refused(await world.send(request_id="another"))
    assert len(world.written) == 1
    status, _ = await world.send(nonce="m" * 32)
    assert status == 200


async def test_also_at_another_replica(valkey_url):
    shared, redis = connect_nonces(valkey_url)
    one, other = World(shared), World(shared)
    assert (await one.send(nonce="replicas"))[0] == 200
    assert refused(await other.send(nonce="replicas"))
    assert other.written == []
    await redis.aclose()


EVENTS = json.dumps({"query": "subscription { events }"}).encode()


async def heard(client, headers):
    async with asyncio.timeout(5), aclosing(client.subscribe(EVENTS, headers, 5)) as events:
        return [json.loads(event) async for event in events]


def numbers(answers):
    return [answer["data"]["events"] for answer in answers]


def closed(answers):
    """401, whichever way it is told, and nothing else."""
    (answer,) = answers
    return "data" not in answer and [e["extensions"]["code"] for e in answer["errors"]] == [
        "CONTEXT_REFUSED"
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_events_are_sent_once(nonces, way):
    """A context that was overheard would else be good for all that is ever told."""
    headers = signed("notes", EVENTS, Caller("c"))
    async with reached(World(nonces).app, way) as client:
        assert numbers(await heard(client, headers)) == [1]
        assert closed(await heard(client, headers))
        assert numbers(await heard(client, signed("notes", EVENTS, Caller("c")))) == [1]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"audience": "records"}, id="foreign"),
        pytest.param({"issued_at": int(NOW) - MAX_AGE - 1}, id="replayed late"),
        pytest.param({"body": body_hash(b"{}")}, id="edited body"),
    ],
)
async def test_no_other_context_opens_them(way, changes):
    async with reached(World().app, way) as client:
        assert closed(await heard(client, signed("notes", EVENTS, Caller("c"), **changes)))
        assert closed(await heard(client, []))


async def test_a_nonce_of_one_subgraph_is_none_of_another(nonces):
    assert await nonces.take("records", "same")
    assert await nonces.take("notes", "same")
    assert not await nonces.take("notes", "same")


class Overheard(DirectSubgraphClient):
    """Keeps what the gateway sent."""

    async def send(self, body, headers, *arguments, **named):
        self.sent = body, list(headers)
        return await super().send(body, headers, *arguments, **named)


@pytest.mark.parametrize(
    ("kind", "query", "again"),
    [
        (OperationKind.MUTATION, WRITE, "CONTEXT_REFUSED"),
        # A query's context is good for half a minute: it says nothing that it did not say before.
        (OperationKind.QUERY, "{ read }", None),
    ],
)
async def test_what_the_gateway_itself_signs_opens_once(kind, query, again):
    world = World()
    client = Overheard(world.app)
    exchange = RequestExchange(
        Peers({"notes": client}, {"notes": KEY}, 5.0), "r", Sender(Caller("c")), clock=lambda: NOW
    )
    body = json.dumps({"query": query}).encode()
    for _ in range(2):
        assert "errors" not in json.loads(await exchange("notes", body, kind))
    written = len(world.written)
    replayed = json.loads(await client.send(*client.sent, 5.0))
    codes = [error["extensions"]["code"] for error in replayed.get("errors", ())]
    assert codes == ([again] if again else [])
    assert len(world.written) == written


async def test_a_mutation_without_a_nonce_does_not_run():
    world = World()
    assert refused(await world.send(nonce=None))
    assert world.written == []


async def test_the_operation_that_is_named_decides():
    world = World()
    for _ in range(2):
        # A query needs no nonce, and may come twice.
        status, _ = await world.send(READ, name="Read", nonce=None)
        assert status == 200
    assert refused(await world.send(READ, name="Write", nonce=None))
    assert (await world.send(READ, name="Write"))[0] == 200


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"audience": "records"}, id="foreign"),
        pytest.param({"key": b"x" * 32}, id="forged"),
        pytest.param({"issued_at": int(NOW) - MAX_AGE - 1}, id="replayed late"),
        pytest.param({"body": body_hash(b"{}")}, id="edited body"),
        pytest.param({"header": "a.b"}, id="unreadable"),
        pytest.param({"header": ""}, id="missing"),
    ],
)
async def test_what_is_refused_uses_no_nonce_up(claims):
    world = World()
    assert refused(await world.send(**claims))
    assert world.written == []
    assert (await world.send())[0] == 200


async def test_both_keys_of_a_rotation_open_and_a_replay_under_the_other_does_not():
    world = World(keys={"1": KEY, "2": NEXT})
    assert (await world.send(key=KEY))[0] == 200
    assert refused(await world.send(key=NEXT))
    assert (await world.send(key=NEXT, nonce="m" * 32))[0] == 200
    assert refused(await world.send(key=b"o" * 32, nonce="o" * 32))


async def test_a_memory_that_is_silent_refuses():
    shared = SharedNonces(Redis.from_url("unix:///nobody/there.sock"))
    world = World(shared)
    assert refused(await world.send())
    assert world.written == []


async def test_a_nonce_is_kept_as_long_as_its_context_is_good_and_no_longer(valkey_url):
    now = 0.0
    local = LocalNonces(lambda: now)
    assert await local.take("notes", "a")
    now = 2 * MAX_AGE
    assert not await local.take("notes", "a")
    now = KEPT_SECONDS
    assert await local.take("notes", "b")
    assert len(local._taken) == 1
    shared, redis = connect_nonces(valkey_url)
    await redis.flushall()
    await shared.take("notes", "secret")
    (name,) = await redis.keys()
    assert 2 * MAX_AGE < await redis.ttl(name) <= KEPT_SECONDS
    assert b"secret" not in name
    await redis.aclose()
