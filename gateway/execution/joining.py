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
        while key in self._under_way:
            waiting = asyncio.get_running_loop().create_future()
            self._under_way[key].append(waiting)
            result = await waiting
            if result is not _GIVEN_UP:
                return result  # type: ignore[no-any-return] # what it was set to below
        joined = self._under_way[key] = []
        result = _GIVEN_UP
        try:
            result = await work()
        except Exception as error:
            for each in joined:
                if not each.done():
                    each.set_exception(error)
            raise
        finally:
            del self._under_way[key]
            for each in joined:
                if not each.done():
                    each.set_result(result)
        return result
