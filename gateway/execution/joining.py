"""Work that several want at once is done once: whoever comes while it is under way joins in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_GIVEN_UP: Final = object()


class Joining(Generic[K, V]):
    """What is done is forgotten as soon as it is: this is no cache."""

    def __init__(self) -> None:
        self._under_way: dict[K, list[asyncio.Future[Any]]] = {}
        """Who waits for each, beside the one who does it."""

    async def do(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """What `work` returns or raises, ours or that of whoever was first.

        Where the first one is cancelled the next one takes over.
        """
        while not self.begin(key):
            waiting = asyncio.get_running_loop().create_future()
            self._under_way[key].append(waiting)
            result = await waiting
            if result is not _GIVEN_UP:
                return result  # type: ignore[no-any-return] # what it was set to below
        outcome: V | Exception | None = None
        try:
            outcome = await work()
        except Exception as error:
            outcome = error
            raise
        else:
            return outcome
        finally:
            self.end(key, outcome)

    def begin(self, key: K) -> bool:
        """Whether nobody does it yet, so that it is for the caller to do, and to `end`."""
        if key in self._under_way:
            return False
        self._under_way[key] = []
        return True

    def end(self, key: K, outcome: V | Exception | None) -> None:
        """What came of it; None where it was given up."""
        for each in self._under_way.pop(key):
            if each.done():
                continue
            if isinstance(outcome, Exception):
                each.set_exception(outcome)
            else:
                each.set_result(_GIVEN_UP if outcome is None else outcome)
