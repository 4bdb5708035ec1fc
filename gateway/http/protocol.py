"""uvicorn's HTTP/1.1, with less to do for what almost every request is.

A short body is waited for before anything is started, an answer that is whole leaves in one piece,
and idle connections are timed together with the requests on them instead of anew after each.
Whatever is out of the ordinary is uvicorn's own business.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from gateway.departure import DEPART, IN_SCOPE, Departure
from gateway.http.responding import lines_of

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent

    from gateway.http.lane import Lane, Turn

SHORT_BYTES: Final = 64 * 1024
"""A body up to this length is taken in whole; uvicorn too would not stop reading before."""
_PATH: Final = b"/graphql"
_UNKNOWN: Final = -1


class GatewayProtocol(HttpToolsProtocol):
    _length = _UNKNOWN
    _waiting = False
    """Whether the present cycle starts once its body is whole."""
    _idle_since = 0.0
    _between = True
    """Whether the parser has seen whole messages only."""
    _ordinary = False
    """Whether the last of them was one that the lane might learn."""
    _turn: Turn | None = None
    """A request on the lane."""
    _held = b""
    """What came meanwhile."""
    _closing = False
    """The connection ends with the answer of the present turn."""
    _date: tuple[object, bytes] = (None, b"")
    """The server's own headers, and how they are sent."""

    def __init__(self, *given: Any, lane: Lane | None = None, **named: Any) -> None:
        super().__init__(*given, **named)
        self._lane = lane

    def data_received(self, data: bytes) -> None:
        if self._turn is not None:
            self._held += data
            self.flow.pause_reading()
            return
        lane = self._lane
        if (
            lane is None
            or not self._between
            or self._is_answering()
            or self.flow.write_paused
            or self.transport.is_closing()
        ):
            super().data_received(data)
            return
        known = lane.recognise(data)
        if known is not None:
            self._turn = lane.begin(*known, self)
            if self._turn is not None:
                return
        self._ordinary = False
        super().data_received(data)
        if known is None and self._ordinary and self._between and self._is_all_of(data):
            lane.learn(data, self.headers)

    def respond(self, status: int, lines: bytes, body: bytes) -> None:
        """The answer of the present turn."""
        self._turn = None
        default = self.server_state.default_headers
        if default is not self._date[0]:
            self._date = (default, lines_of(default))
        if self._closing:
            lines += b"connection: close\r\n"
        head = b"%b%b%b\r\n" % (STATUS_LINE[status], self._date[1], lines)
        self.transport.writelines((head, body))
        if self._closing:
            self.transport.close()
        self.flow.resume_reading()
        self.on_response_complete()
        if self._held and not self._closing:
            held, self._held = self._held, b""
            self.data_received(held)

    def shutdown(self) -> None:
        if self._turn is not None:
            self._closing = True
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._between = False
        self._length = _UNKNOWN
        self.scope[IN_SCOPE] = Departure()  # type: ignore[typeddict-unknown-key] # ours

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length":
            self._length = int(value)
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self._is_ordinary():
            super().on_headers_complete()
            return
        self.scope["method"] = "POST"
        self.scope["path"] = _PATH.decode()
        self.scope["raw_path"] = _PATH
        self.scope["query_string"] = b""
        self.cycle = WholeCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self.scope[DEPART] = self.cycle.depart  # type: ignore[typeddict-unknown-key] # likewise
        self._waiting = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True
        if self._waiting:
            self._waiting = False
            self._ordinary = self.cycle.keep_alive
            self._start_asgi_task(self.cycle, self.app)

    def on_response_complete(self) -> None:
        if self.pipeline or self.flow.read_paused or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._time_idleness(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """The timer stays: when it rings it looks whether anything has happened since."""

    def connection_lost(self, exc: Exception | None) -> None:
        super()._unset_keepalive_if_required()
        if self._turn is not None:
            turn, self._turn = self._turn, None
            turn.give_up()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.scope[IN_SCOPE].happen()  # type: ignore[typeddict-item] # likewise
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        super()._unset_keepalive_if_required()
        super().handle_websocket_upgrade()

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._turn is not None or self._is_answering():
            # The next response starts it again.
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left <= 0:
            super().timeout_keep_alive_handler()
        else:
            self._time_idleness(left)

    def _time_idleness(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _is_ordinary(self) -> bool:
        return (
            self.url == _PATH
            and 0 < self._length <= SHORT_BYTES
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and not self.access_log
            and not self.root_path
            and self.limit_concurrency is None
            and not self._is_answering()
        )

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_all_of(self, data: bytes) -> bool:
        """Whether the last request, whose body is whole, came in this one piece."""
        return data.find(b"\r\n\r\n") + 4 + self._length == len(data)


class WholeCycle(RequestResponseCycle):
    """A request whose body is there, and whose answer may leave in one piece."""

    _taken = False

    async def receive(self) -> ASGIReceiveEvent:
        """The body, which is there; and then as ever, once the client is gone."""
        if self._taken or self.more_body or self.disconnected:
            return await super().receive()
        self._taken = True
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": False}

    def depart(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
        """As `gateway.departure.Depart`."""
        if self.disconnected or self.flow.write_paused or not self.keep_alive:
            return False
        try:
            lines = lines_of([*self.default_headers, *headers])
        except ValueError:
            # uvicorn says what is wrong with it.
            return False
        self.transport.writelines((b"%b%b\r\n" % (STATUS_LINE[status], lines), body))
        self.response_started = self.response_complete = True
        self.message_event.set()
        self.on_response()
        return True
