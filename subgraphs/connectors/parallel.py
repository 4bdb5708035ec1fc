"""Calls at the same time: a few of many, or one for all who want the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from typing import Any, Generic, TypeVar

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


class Shared(Generic[T]):
    """One call for all who ask for the same while it is under way; its failure is theirs too.

    With a lock instead they would try one after the other, and a source that hangs would make the
    last of them wait for all.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}

    async def get(self, key: Hashable, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(call())
            task.add_done_callback(lambda done: self._finish(key, done))
        # One who leaves does not take the answer from the others.
        return await asyncio.shield(task)

    def _finish(self, key: Hashable, done: asyncio.Task[T]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # seen, also if everyone has left
