"""Connections to one origin: opened when needed, kept for the next request, closed in time."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from gateway.execution.client import HeaderSink, SubgraphUnavailable
from gateway.execution.http_connection import Connection, HungUpError, Outcome, Tell
from gateway.execution.http_reader import KnownHeads, Response, ResponseReader

# Common servers close an idle connection after five seconds; closing first avoids the race.
KEEP_ALIVE_SECONDS: Final = 4.0
CONNECT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Origin:
    host: str
    port: int
    tls: ssl.SSLContext | None = None


class ConnectionPool:
    """At most `size` connections, those in use and those that wait for it."""

    def __init__(self, origin: Origin, size: int, max_body_bytes: int) -> None:
        self._origin = origin
        self._max_body_bytes = max_body_bytes
        self._loop = asyncio.get_running_loop()
        # Whoever holds a place takes an idle connection before opening one, so places bound both.
        self._places = size
        """Free ones; there are none while somebody waits for one."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: deque[Connection] = deque()
        self._all: set[Connection] = set()
        self._known = KnownHeads()
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
        if self._places:
            self._places -= 1
        else:
            await self._wait_for_place(deadline)
        try:
            kept = self._take()
            if kept is not None:
                try:
                    return await self._send(kept, request, sink, deadline)
                except HungUpError:
                    if not repeatable:
                        raise
            return await self._send_anew(request, sink, deadline)
        finally:
            self.leave_place()

    def begin(self, request: bytes, timeout: float, tell: Tell) -> Errand | None:
        """As `exchange` does, with what is repeatable and without a word about headers.

        None, and nothing is sent, where there is no connection at hand.
        """
        if not self._places:
            return None
        kept = self._take()
        if kept is None:
            return None
        self._places -= 1
        deadline = self._loop.time() + timeout
        errand = Errand(self, kept, request, deadline, tell)
        kept.send(request, None, deadline, errand.end)
        return errand

    def begin_anew(self, request: bytes, deadline: float, tell: Tell) -> asyncio.Task[Response]:
        """Over a connection of its own. Whoever cancels it is told that, too."""
        task = self._loop.create_task(self._send_anew(request, None, deadline))
        task.add_done_callback(lambda done: tell(_outcome(done)))
        return task

    async def close(self) -> None:
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        ending = [connection.closed for connection in self._all]
        for connection in self._all:
            connection.abort()
        await asyncio.gather(*ending)

    async def _wait_for_place(self, deadline: float) -> None:
        place = self._loop.create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout_at(deadline):
                await place
        except BaseException:
            if place.done() and not place.cancelled():
                # It came too late for us.
                self.leave_place()
            raise

    def leave_place(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._places += 1

    def _take(self) -> Connection | None:
        """The one used last, so that those not needed grow old."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                if self._loop.time() - connection.idle_since < KEEP_ALIVE_SECONDS:
                    return connection
                connection.abort()
        return None

    async def _send(
        self, connection: Connection, request: bytes, sink: HeaderSink | None, deadline: float
    ) -> Response:
        """Who is cancelled while waiting leaves no connection behind."""
        answer: asyncio.Future[Response] = self._loop.create_future()
        connection.send(request, sink, deadline, partial(_settle, answer))
        try:
            response = await answer
        except BaseException:
            connection.abort()
            raise
        self.give_back(connection)
        return response

    async def _send_anew(
        self, request: bytes, sink: HeaderSink | None, deadline: float
    ) -> Response:
        return await self._send(await self._open(deadline), request, sink, deadline)

    async def _open(self, deadline: float) -> Connection:
        if self._closed:
            raise SubgraphUnavailable("is no longer connected to")
        origin = self._origin
        try:
            async with asyncio.timeout_at(min(deadline, self._loop.time() + CONNECT_SECONDS)):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(
                        self._loop, ResponseReader(self._max_body_bytes, self._known)
                    ),
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

    def give_back(self, connection: Connection) -> None:
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


class Errand(msgspec.Struct):
    """A request that was begun: it holds its place until its end, and then tells of it."""

    pool: ConnectionPool
    connection: Connection
    request: bytes
    deadline: float
    tell: Tell | None
    again: asyncio.Task[Response] | None = None
    """Sent once more."""

    def abort(self) -> None:
        """Nobody wants to be told any more."""
        self.tell = None
        if self.again is not None:
            self.again.cancel()
        else:
            self.connection.abort()

    def end(self, outcome: Outcome) -> None:
        if isinstance(outcome, HungUpError) and self.again is None and self.tell is not None:
            self.again = self.pool.begin_anew(self.request, self.deadline, self.end)
            return
        if self.again is None and isinstance(outcome, Response):
            self.pool.give_back(self.connection)
        self.pool.leave_place()
        tell, self.tell = self.tell, None
        if tell is not None:
            tell(outcome)


def _settle(answer: asyncio.Future[Response], outcome: Outcome) -> None:
    if answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _outcome(task: asyncio.Task[Response]) -> Outcome:
    if task.cancelled():
        return SubgraphUnavailable("is not waited for any more")
    error = task.exception()
    if error is None:
        return task.result()
    return error if isinstance(error, Exception) else SubgraphUnavailable("was broken off")
