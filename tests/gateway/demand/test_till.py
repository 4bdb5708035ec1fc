"""Who pays for what, and what a client is told that cannot."""

from __future__ import annotations

import asyncio

import pytest

from contract.errors import Code
from gateway.bounds import Bucket, Budget
from gateway.demand.buckets import LocalBuckets
from gateway.demand.till import Account, Till
from gateway.errors import BusyError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def budget(points=None, requests=None):
    return Budget(
        points=points and Bucket(maximum=points, restore_rate=10),
        requests=requests and Bucket(maximum=requests, restore_rate=1),
    )


@pytest.fixture
def clock():
    return Clock()


def open_till(clock, everyone=None):
    return Till(LocalBuckets(clock), everyone or Budget(), clock)


async def refusal(till, account, points):
    with pytest.raises(BusyError) as raised:
        await till.pay(account, points)
    return raised.value


async def test_points_are_paid_refused_and_come_back(clock):
    till, account = open_till(clock), Account("a", budget(points=100))
    left = await till.pay(account, 80)
    assert left.render() == {
        "maximumAvailable": 100,
        "currentlyAvailable": 20,
        "restoreRate": 10.0,
    }
    error = await refusal(till, account, 45)
    assert (error.code, error.status, error.retry_after) == (Code.BUDGET_EXCEEDED, 429, 3)
    assert error.extensions == {
        "cost": {"requestedQueryCost": 45, "throttleStatus": left.render()},
        "retryAfter": 3,
    }
    await till.pay(account, 20)
    clock.now += 2.5
    await till.pay(account, 25)


async def test_clients_have_each_their_own_and_everyone_one_together(clock):
    till = open_till(clock, budget(points=150))
    await till.pay(Account("a", budget(points=100)), 100)
    await till.pay(Account("b", budget(points=100)), 50)
    assert (await refusal(till, Account("b", budget(points=100)), 20)).code == Code.BUDGET_EXCEEDED
    assert till.most(Account("b", budget(points=100))) == 100
    assert till.most(Account("b", budget(points=1000))) == 150
    assert till.most(Account("b", Budget())) == 150


async def test_too_many_requests_are_refused_at_the_door(clock):
    till, account = open_till(clock), Account("a", budget(requests=2))
    for _ in range(2):
        till.enter(account)
        assert await till.pay(account, 5) is None
    error = await refusal(till, account, 5)
    assert (error.code, error.retry_after) == (Code.RATE_LIMITED, 1)
    with pytest.raises(BusyError):
        till.enter(account)
    till.enter(Account("b", budget(requests=2)))
    clock.now += 1.5
    till.enter(account)
    await till.pay(account, 5)


async def test_refused_requests_count_as_requests(clock):
    till, account = open_till(clock), Account("a", budget(points=10, requests=2))
    for _ in range(3):
        till.count(account)
    await till.close()
    with pytest.raises(BusyError):
        till.enter(account)
    clock.now += 2
    assert (await till.pay(account, 10)).available == 0


async def test_refunds(clock):
    till, account = open_till(clock), Account("a", budget(points=100))
    await till.pay(account, 90)
    till.refund(account, 70)
    await till.close()
    assert (await till.pay(account, 0)).available == 80
    till.refund(account, -100)
    await asyncio.sleep(0)
    await till.close()
    assert (await refusal(till, account, 1)).retry_after == 3


async def test_without_a_budget_nothing_is_asked(clock):
    class Untouched:
        async def draw(self, *_, **__):
            raise AssertionError

    till, account = Till(Untouched(), Budget(), clock), Account("a", Budget())
    assert not till.charges(account)
    till.enter(account)
    till.count(account)
    await till.close()
