"""A mutation runs once: its context carries a nonce, which opens the subgraph a single time."""

from __future__ import annotations

import json

import pytest
import strawberry
from redis.asyncio import Redis

from contract.context import HEADER, MAX_AGE, Caller, Context, body_hash, sign_context
from subgraphs.runtime.app import create_subgraph_app
from subgraphs.runtime.crosswalk import Crosswalk
from subgraphs.runtime.nonces import KEPT_SECONDS, LocalNonces, SharedNonces, connect_nonces
from subgraphs.runtime.request import Subgraph
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.sealing import IdSeal
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


class World:
    """A subgraph that counts what it writes; `keys` are those it accepts."""

    def __init__(self, nonces=None, keys=None):
        self.written = []
        subgraph = Subgraph("notes", IdSeal(KEY), Crosswalk(KEY), None, self.written)
        self.app = create_subgraph_app(
            subgraph,
            SubgraphSchema(query=Query, mutation=Mutation),
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


async def test_a_nonce_of_one_subgraph_is_none_of_another(nonces):
    assert await nonces.take("records", "same")
    assert await nonces.take("notes", "same")
    assert not await nonces.take("notes", "same")


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
