"""How an answer leaves. A client may hang up before: a query is given up, a mutation never is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")

IN_SCOPE: Final = "chartgraph.departure"
"""Where in a request's ASGI scope our server puts its `Departure`."""


DEPART: Final = "chartgraph.depart"
"""Where in a request's ASGI scope our server puts its `Depart`."""

Depart: TypeAlias = Callable[[int, list[tuple[bytes, bytes]], bytes], bool]
"""Sends an answer's status, headers and body in one piece; False where nothing was sent, and the
answer has to go by ASGI's messages."""


class ClientGoneError(Exception):
    """The client hung up before its request was complete, or before it was answered."""


class Departure:
    """Of one request's client; it may never come to pass."""

    def __init__(self) -> None:
        self._happened = False
        self._task: asyncio.Task[Any] | None = None

    def happen(self) -> None:
        self._happened = True
        if self._task is not None:
            self._task.cancel()

    async def ends(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work returns; raises `ClientGoneError` once nobody wants it any more."""
        task = self._task = asyncio.current_task()
        try:
            return await work
        except asyncio.CancelledError:
            if not self._happened:
                raise
            assert task is not None, "it was cancelled"
            # What has been read is still to be written down.
            task.uncancel()
            raise ClientGoneError from None
        finally:
            self._task = None
