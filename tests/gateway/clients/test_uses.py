"""When a client was last seen."""

from __future__ import annotations

import json

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.clients import uses as uses_module
from gateway.clients.uses import Uses


@pytest.fixture
async def redis(valkey_url):
    async with Redis.from_url(valkey_url) as client:
        await client.flushdb()
        yield client


async def test_this_process_s_own_without_redis():
    uses = Uses(clock=lambda: 1700.5)
    uses.note("a")
    await uses.flush()
    assert await uses.last(["a", "b"]) == {"a": 1700.5}
    assert await uses.last([]) == {}


async def test_the_latest_of_all_replicas(redis):
    times = {"one": 100.0, "other": 200.0}
    one, other = (Uses(redis, clock=lambda name=name: times[name]) for name in times)
    for uses in (other, one):
        uses.note("a")
        await uses.flush()
    third = Uses(redis)
    assert await third.last(["a", "b"]) == {"a": 200.0}
    assert b"a" not in await redis.zrange(uses_module.KEY, 0, -1)


async def test_what_redis_did_not_take_is_tried_again(redis, capsys):
    class Away:
        async def zadd(self, *_, **__):
            raise RedisError("canary")

    uses = Uses(Away(), clock=lambda: 5.0)
    uses.note("a")
    await uses.flush()
    assert json.loads(capsys.readouterr().err)["event"] == "client_uses_not_kept"
    uses._redis = redis
    await uses.flush()
    assert await Uses(redis).last(["a"]) == {"a": 5.0}


async def test_strangers_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(uses_module, "MAX_CLIENTS", 3)
    uses = Uses(clock=lambda: 1.0)
    for number in range(9):
        uses.note(f"client-{number}")
    assert len(uses._seen) == 3
