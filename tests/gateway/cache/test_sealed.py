"""The cache in Redis: its keeper can neither read nor forge it, and its failure is a miss."""

from __future__ import annotations

import pytest

from gateway.cache.sealed import SealedCache, connect

NAME = "patient/Lovelace"
VALUE = b"the value of Lovelace"


@pytest.fixture
async def redis(valkey_url):
    client = connect(valkey_url)
    await client.flushall()
    yield client
    await client.aclose()


async def test_keeps_bytes_by_name(redis):
    cache = SealedCache(redis, b"k" * 32, "documents")
    assert await cache.get(NAME) is None
    assert await cache.put(NAME, VALUE)
    assert await cache.get(NAME) == VALUE
    await cache.drop(NAME)
    assert await cache.get(NAME) is None


async def test_an_entry_expires(redis):
    cache = SealedCache(redis, b"k" * 32, "documents")
    await cache.put(NAME, VALUE, seconds=7)
    (key,) = await redis.keys()
    assert 0 < await redis.ttl(key) <= 7


async def test_redis_learns_nothing(redis):
    await SealedCache(redis, b"k" * 32, "documents").put(NAME, VALUE)
    (key,) = await redis.keys()
    assert b"Lovelace" not in key + await redis.get(key)


@pytest.mark.parametrize(
    "change", [lambda v: v[:-1], lambda v: v[:-1] + b"x", lambda _: b"", lambda _: b"x"]
)
async def test_an_edited_value_is_a_miss(redis, change):
    cache = SealedCache(redis, b"k" * 32, "documents")
    await cache.put(NAME, VALUE)
    (key,) = await redis.keys()
    await redis.set(key, change(await redis.get(key)))
    assert await cache.get(NAME) is None


async def test_a_value_of_another_name_is_a_miss(redis):
    cache = SealedCache(redis, b"k" * 32, "documents")
    await cache.put("a", b"1")
    (a,) = await redis.keys()
    await cache.put("b", b"2")
    (b,) = set(await redis.keys()) - {a}
    await redis.set(a, await redis.get(b))
    assert await cache.get("a") is None


async def test_caches_of_other_names_and_keys_are_apart(redis):
    await SealedCache(redis, b"k" * 32, "documents").put(NAME, VALUE)
    assert await SealedCache(redis, b"k" * 32, "tokens").get(NAME) is None
    assert await SealedCache(redis, b"x" * 32, "documents").get(NAME) is None


async def test_a_redis_that_is_gone_is_left_alone_for_a_while(tmp_path):
    client = connect(f"unix://{tmp_path}/nobody.sock")
    cache = SealedCache(client, b"k" * 32, "documents")
    assert not await cache.put(NAME, VALUE)
    for _ in range(5):
        assert await cache.get(NAME) is None
    assert cache.failures == 1
    await client.aclose()
