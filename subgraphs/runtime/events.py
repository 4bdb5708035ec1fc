"""The one way events take through a deployment: published under a topic, heard by who listens.

An event says that something changed, and holds nothing of a patient's: whoever hears of it asks
what is now, for itself and with its own rights. Nothing is kept, so a listener that fell behind, or
whose wire broke, is told so (`EventsLostError`) and has to ask anew.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from contract.errors import Code
from subgraphs.runtime.errors import ClientError

WAITING: Final = 100
"""Events a listener may leave unheard."""


class EventsLostError(ClientError):
    def __init__(self) -> None:
        super().__init__(Code.EVENTS_LOST, retryable=True)


class Events(Protocol):
    async def publish(self, topic: str, event: bytes = b"") -> None: ...

    def listen(self, *topics: str) -> AbstractContextManager[AsyncIterator[bytes]]:
        """From the moment the block is entered; iterating raises `EventsLostError`."""
        ...


class LocalEvents:
    """For listeners in the process that publishes."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[_Listener]] = defaultdict(set)

    async def publish(self, topic: str, event: bytes = b"") -> None:
        self.tell(topic, event)

    def tell(self, topic: str, event: bytes) -> None:
        for listener in self._listeners.get(topic, ()):
            listener.take(event)

    def lose(self) -> None:
        """Nobody knows what was missed."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.lose()

    @contextmanager
    def listen(self, *topics: str) -> Iterator[AsyncIterator[bytes]]:
        listener = _Listener()
        for topic in topics:
            self._listeners[topic].add(listener)
        try:
            yield listener.heard()
        finally:
            for topic in set(topics):
                self._listeners[topic].discard(listener)
                if not self._listeners[topic]:
                    del self._listeners[topic]


class _Listener:
    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._lost = False
        self._stirred = asyncio.Event()

    def take(self, event: bytes) -> None:
        if len(self._waiting) < WAITING:
            self._waiting.append(event)
            self._stirred.set()
        else:
            self.lose()

    def lose(self) -> None:
        self._lost = True
        self._stirred.set()

    async def heard(self) -> AsyncIterator[bytes]:
        while True:
            await self._stirred.wait()
            if self._lost:
                raise EventsLostError
            event = self._waiting.popleft()
            if not self._waiting:
                self._stirred.clear()
            yield event
