from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def for_each(
    items: Iterable[T], call: Callable[[T], Awaitable[R]], *, at_a_time: int
) -> list[R]:
    """Call for each item, a few at a time; the answers in order. The first error ends the rest.

    Whoever waits here has not started its call, so its time limit does not run yet.
    """
    slots = asyncio.Semaphore(at_a_time)

    async def run(item: T) -> R:
        async with slots:
            return await call(item)

    tasks = [asyncio.ensure_future(run(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
