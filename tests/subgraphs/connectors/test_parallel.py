"""Calls at the same time."""

import asyncio

import pytest

from subgraphs.connectors.parallel import Shared, for_each


async def test_a_few_at_a_time_and_in_order():
    running, most = 0, 0

    async def call(item: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return item * 10

    assert await for_each(range(20), call, at_a_time=3) == [item * 10 for item in range(20)]
    assert most == 3


async def test_the_first_error_ends_the_rest():
    started = []

    async def call(item: int) -> None:
        started.append(item)
        await asyncio.sleep(0)
        if item == 1:
            raise LookupError

    with pytest.raises(LookupError):
        await for_each(range(20), call, at_a_time=2)
    await asyncio.sleep(0)
    assert len(started) < 20


class Calls:
    def __init__(self, error: Exception | None = None) -> None:
        self.count = 0
        self.error = error

    async def __call__(self) -> str:
        self.count += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return "answer"


async def test_all_who_ask_at_once_share_one_call():
    shared, call = Shared(), Calls()
    assert await asyncio.gather(*(shared.get("k", call) for _ in range(5))) == ["answer"] * 5
    assert call.count == 1
    await shared.get("k", call)
    assert call.count == 2  # it keeps nothing


async def test_they_share_its_failure():
    shared, call = Shared(), Calls(LookupError())
    outcomes = await asyncio.gather(
        *(shared.get("k", call) for _ in range(5)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {LookupError}
    assert call.count == 1


async def test_one_who_leaves_takes_it_from_nobody():
    shared, call = Shared(), Calls()
    first, second = (asyncio.ensure_future(shared.get("k", call)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "answer"
    assert call.count == 1
