"""Work that is shared while it is under way."""

from __future__ import annotations

import asyncio

import pytest

from gateway.execution.joining import Joining
from gateway.execution.once import OnceExchange
from gateway.operation.tree import OperationKind


class Work:
    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        self.outcome: str | Exception = "done"

    async def __call__(self) -> str:
        self.begun += 1
        await self.go_on.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return f"{self.outcome} {self.begun}"


async def begin(count, joining, work):
    tasks = [asyncio.create_task(joining.do("key", work)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_whoever_comes_meanwhile_joins_in():
    joining, work = Joining(), Work()
    tasks = await begin(3, joining, work)
    work.go_on.set()
    assert await asyncio.gather(*tasks) == ["done 1"] * 3
    assert await joining.do("key", work) == "done 2"


async def test_other_work_is_not_the_same():
    joining, work = Joining(), Work()
    work.go_on.set()
    await asyncio.gather(joining.do("a", work), joining.do("b", work))
    assert work.begun == 2


async def test_all_are_told_that_it_failed():
    joining, work = Joining(), Work()
    tasks = await begin(3, joining, work)
    work.outcome = ValueError("no")
    work.go_on.set()
    assert {type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)} == {
        ValueError
    }


async def test_the_next_one_takes_over_from_who_gives_up():
    joining, work = Joining(), Work()
    first, second, third = await begin(3, joining, work)
    second.cancel()
    first.cancel()
    await asyncio.sleep(0)
    work.go_on.set()
    assert await third == "done 2"
    for each in (first, second):
        with pytest.raises(asyncio.CancelledError):
            await each


async def test_a_request_asks_once_and_a_mutation_as_often_as_it_is_told():
    asked = []

    async def exchange(subgraph, body, kind):
        asked.append(subgraph)
        await asyncio.sleep(0)
        if subgraph == "bad":
            raise ValueError("no")
        return b"answer"

    once = OnceExchange(exchange)
    for kind, times in ((OperationKind.QUERY, 1), (OperationKind.MUTATION, 4)):
        asked.clear()
        await asyncio.gather(*(once("good", b"", kind) for _ in range(3)))
        assert await once("good", b"", kind) == b"answer"
        assert len(asked) == times
    asked.clear()
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await once("bad", b"", OperationKind.QUERY)
    assert len(asked) == 1
