"""What every kind of buckets promises, and what the shared ones do while Redis is away."""

from __future__ import annotations

import asyncio
import json

import pytest
from redis.asyncio import Redis

from gateway.bounds import Bucket
from gateway.demand.buckets import Draw, LocalBuckets
from gateway.demand.shared_buckets import SharedBuckets
from gateway.telemetry import Metrics

SLOW = Bucket(maximum=10, restore_rate=0.001)
QUICK = Bucket(maximum=10, restore_rate=1000.0)


class BucketsContract:
    """Who inherits it has a fixture `buckets`."""

    async def test_gives_what_is_there_and_no_more(self, buckets):
        assert (await buckets.draw([Draw("a", SLOW, 7)])).levels == pytest.approx((3,), abs=0.01)
        refused = await buckets.draw([Draw("a", SLOW, 4)])
        assert refused.short == 0
        assert refused.wait == pytest.approx(1000, rel=0.01)
        assert (await buckets.draw([Draw("a", SLOW, 3)])).short is None

    async def test_fills_again(self, buckets):
        await buckets.draw([Draw("b", QUICK, 10)])
        await asyncio.sleep(0.05)
        assert (await buckets.draw([Draw("b", QUICK, 10)])).short is None

    async def test_all_give_or_none(self, buckets):
        await buckets.draw([Draw("d", SLOW, 8)])
        both = [Draw("c", SLOW, 5), Draw("d", SLOW, 5)]
        assert (await buckets.draw(both)).short == 1
        assert (await buckets.draw([Draw("c", SLOW, 10)])).short is None

    async def test_tells_the_one_that_takes_longest(self, buckets):
        draws = [Draw("e", SLOW, 11), Draw("f", SLOW, 30), Draw("g", SLOW, 12)]
        assert (await buckets.draw(draws)).short == 1

    async def test_takes_back_up_to_the_brim(self, buckets):
        await buckets.draw([Draw("h", SLOW, 4)])
        assert (await buckets.draw([Draw("h", SLOW, -50)])).levels == pytest.approx((10,))

    async def test_gives_what_was_spent_already(self, buckets):
        drawn = await buckets.draw([Draw("i", SLOW, 25)], force=True)
        assert drawn.short is None
        assert drawn.levels == pytest.approx((-15,), abs=0.01)
        assert (await buckets.draw([Draw("i", SLOW, 1)])).short == 0

    async def test_nobody_gets_a_point_twice(self, buckets):
        drawn = await asyncio.gather(*(buckets.draw([Draw("j", SLOW, 1)]) for _ in range(30)))
        assert sum(each.short is None for each in drawn) == 10

    async def test_a_smaller_maximum_counts_at_once(self, buckets):
        await buckets.draw([Draw("k", SLOW, 1)])
        smaller = Bucket(maximum=2, restore_rate=0.001)
        assert (await buckets.draw([Draw("k", smaller, 3)])).short == 0


class TestLocalBuckets(BucketsContract):
    @pytest.fixture
    async def buckets(self):
        return LocalBuckets()


class TestSharedBuckets(BucketsContract):
    @pytest.fixture
    async def buckets(self, valkey_url):
        async with Redis.from_url(valkey_url) as redis:
            await redis.flushdb()
            yield SharedBuckets(redis, Metrics())

    async def test_two_replicas_spend_from_one(self, buckets, valkey_url):
        async with Redis.from_url(valkey_url) as redis:
            other = SharedBuckets(redis, Metrics())
            await buckets.draw([Draw("z", SLOW, 6)])
            assert (await other.draw([Draw("z", SLOW, 6)])).short == 0

    async def test_what_is_full_again_leaves_redis(self, buckets, valkey_url):
        async with Redis.from_url(valkey_url) as redis:
            await buckets.draw([Draw("y", QUICK, 10)])
            (key,) = await redis.keys("*")
            assert 0 < await redis.pttl(key) <= 1100


async def test_while_redis_is_away_each_process_goes_on_alone(capsys):
    metrics = Metrics()
    async with Redis.from_url("redis://127.0.0.1:1", socket_timeout=0.2) as redis:
        buckets = SharedBuckets(redis, metrics)
        drawn = [await buckets.draw([Draw("a", SLOW, 4)]) for _ in range(3)]
    assert [each.short for each in drawn] == [None, None, 0]
    told = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert told == ["budgets_alone"]
    assert metrics.registry.get_sample_value("chartgraph_budget_fallbacks_total") == 3
