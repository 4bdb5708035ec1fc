"""Connections to one origin: opened when needed, kept for the next request, closed in time."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from gateway.execution.client import HeaderSink, SubgraphError, SubgraphUnavailable
from gateway.execution.http_reader import Response, ResponseReader

# Common servers close an idle connection after five seconds; closing first avoids the race.
KEEP_ALIVE_SECONDS: Final = 4.0
CONNECT_SECONDS: Final = 5.0


class HungUpError(SubgraphUnavailable):
    """The connection ended before a byte of the answer came."""


@dataclass(frozen=True, slots=True)
class Origin:
    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Connection(asyncio.Protocol):
    """One request at a time; whatever goes wrong with it ends the connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reader: ResponseReader) -> None:
        self.idle_since = 0.0
        self.closed: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._reader = reader
        self._answer: asyncio.Future[Response] | None = None
        self._deadline = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        """Rings no later than the deadline; it outlives an exchange, and looks when it rings."""

    @property
    def reusable(self) -> bool:
        transport = self._transport
        return (
            self._reader.reusable
            and not transport.is_closing()
            # An answer that came before the whole request had left: the rest is in the way.
            and not transport.get_write_buffer_size()
        )

    async def exchange(self, request: bytes, sink: HeaderSink | None, deadline: float) -> Response:
        """Raises SubgraphError. Who is cancelled while waiting leaves no connection behind."""
        self._reader.expect(sink)
        self._answer = self._loop.create_future()
        self._deadline = deadline
        if self._alarm is None or self._alarm.when() > deadline:
            self._set_alarm()
        self._transport.write(request)
        try:
            return await self._answer
        except BaseException:
            self.abort()
            raise
        finally:
            self._answer = None

    def abort(self) -> None:
        self._transport.abort()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._answer is None or self._answer.done():
            return
        if self._loop.time() < self._deadline:
            self._set_alarm()
        else:
            self._answer.set_exception(TimeoutError())

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.done():
            # Nobody asked. It must not be taken for the answer to the next request.
            self.abort()
            return
        try:
            response = self._reader.feed(data)
        except SubgraphError as error:
            answer.set_exception(error)
        else:
            if response is not None:
                answer.set_result(response)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)
        if self._alarm is not None:
            self._alarm.cancel()
        answer = self._answer
        if answer is None or answer.done():
            return
        response = self._reader.finish() if error is None else None
        if response is not None:
            answer.set_result(response)
        elif self._reader.begun:
            answer.set_exception(SubgraphUnavailable("broke off in the middle of its answer"))
        else:
            answer.set_exception(HungUpError("hung up before it answered"))


class ConnectionPool:
    """At most `size` connections, those in use and those that wait for it."""

    def __init__(self, origin: Origin, size: int, max_body_bytes: int) -> None:
        self._origin = origin
        self._max_body_bytes = max_body_bytes
        self._loop = asyncio.get_running_loop()
        # Whoever holds a place takes an idle connection before opening one, so places bound both.
        self._places = asyncio.Semaphore(size)
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    async def exchange(
        self,
        request: bytes,
        timeout: float,  # noqa: ASYNC109 - see SubgraphClient
        *,
        repeatable: bool,
        sink: HeaderSink | None,
    ) -> Response:
        """Raises SubgraphError, or TimeoutError after so many seconds.

        The other side may close an idle connection at the moment we use it. Then nobody knows
        whether the request arrived, and only a `repeatable` one is sent again, once.
        """
        deadline = self._loop.time() + timeout
        if self._places.locked():
            async with asyncio.timeout_at(deadline):
                await self._places.acquire()
        else:
            await self._places.acquire()
        try:
            kept = self._take()
            connection = kept or await self._open(deadline)
            try:
                response = await connection.exchange(request, sink, deadline)
            except HungUpError:
                if kept is None or not repeatable:
                    raise
                connection = await self._open(deadline)
                response = await connection.exchange(request, sink, deadline)
            self._give_back(connection)
            return response
        finally:
            self._places.release()

    async def close(self) -> None:
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        ending = [connection.closed for connection in self._all]
        for connection in self._all:
            connection.abort()
        await asyncio.gather(*ending)

    def _take(self) -> Connection | None:
        """The one used last, so that those not needed grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                if self._loop.time() - connection.idle_since < KEEP_ALIVE_SECONDS:
                    return connection
                connection.abort()
        return None

    async def _open(self, deadline: float) -> Connection:
        if self._closed:
            raise SubgraphUnavailable("is no longer connected to")
        origin = self._origin
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + CONNECT_SECONDS)):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop, ResponseReader(self._max_body_bytes)),
                    origin.host,
                    origin.port,
                    ssl=origin.tls,
                )
        except (OSError, UnicodeError):
            # No address, nobody there, no time left, or a certificate that does not hold.
            raise SubgraphUnavailable("cannot be reached") from None
        self._all.add(connection)
        connection.closed.add_done_callback(lambda _: self._all.discard(connection))
        return connection

    def _give_back(self, connection: Connection) -> None:
        if self._closed or not connection.reusable:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(KEEP_ALIVE_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close what nobody has needed for long; the oldest come first."""
        oldest = self._loop.time() - KEEP_ALIVE_SECONDS
        while self._idle and self._idle[0].idle_since <= oldest:
            self._idle.popleft().abort()
        self._sweeping = (
            self._loop.call_later(KEEP_ALIVE_SECONDS, self._sweep) if self._idle else None
        )
