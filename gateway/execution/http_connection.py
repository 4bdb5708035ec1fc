"""One connection to an origin: a request at a time, and what became of it told once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias, cast

from gateway.execution.client import HeaderSink, SubgraphError, SubgraphUnavailable
from gateway.execution.http_reader import Response, ResponseReader

Outcome: TypeAlias = Response | Exception
"""The response, a SubgraphError, or TimeoutError."""
Tell: TypeAlias = Callable[[Outcome], None]
"""Called once, maybe from within the event loop: it must not raise."""


class HungUpError(SubgraphUnavailable):
    """The connection ended before a byte of the answer came."""


class Connection(asyncio.Protocol):
    """Whatever goes wrong with a request ends the connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reader: ResponseReader) -> None:
        self.idle_since = 0.0
        self.closed: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._reader = reader
        self._tell: Tell | None = None
        """None while nobody waits for an answer."""
        self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        """Rings no later than the deadline; it outlives an exchange, and looks when it rings."""

    @property
    def reusable(self) -> bool:
        """After an answer."""
        transport = self.transport
        return (
            self._reader.reusable
            and not transport.is_closing()
            # An answer that came before the whole request had left: the rest is in the way.
            and not transport.get_write_buffer_size()
        )

    def send(self, request: bytes, sink: HeaderSink | None, deadline: float, tell: Tell) -> None:
        self._reader.expect(sink)
        self._tell = tell
        self._deadline = deadline
        if self._alarm is None or self._alarm.when() > deadline:
            self._set_alarm()
        self.transport.write(request)

    def abort(self) -> None:
        self.transport.abort()

    def _end(self, outcome: Outcome) -> None:
        tell, self._tell = self._tell, None
        if isinstance(outcome, Exception):
            self.transport.abort()
        if tell is not None:
            tell(outcome)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._tell is None:
            return
        if self._loop.time() < self._deadline:
            self._set_alarm()
        else:
            self._end(TimeoutError())

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._tell is None:
            # Nobody asked. It must not be taken for the answer to the next request.
            self.abort()
            return
        try:
            response = self._reader.feed(data)
        except SubgraphError as error:
            self._end(error)
        else:
            if response is not None:
                self._end(response)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)
        if self._alarm is not None:
            self._alarm.cancel()
        if self._tell is None:
            return
        response = self._reader.finish() if error is None else None
        if response is not None:
            self._end(response)
        elif self._reader.begun:
            self._end(SubgraphUnavailable("broke off in the middle of its answer"))
        else:
            self._end(HungUpError("hung up before it answered"))
