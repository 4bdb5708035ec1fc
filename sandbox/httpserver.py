"""A small HTTP/1.1 server whose answers can go wrong down to the bytes on the wire.

The faults the sandbox must show (a connection refused, reset, or closed in mid-body) lie below
what ASGI can say, hence a protocol of our own on httptools. Loopback only, no TLS.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import TypeAlias, cast

import httptools

MAX_BODY = 8 * 1024 * 1024
_log = logging.getLogger(__name__)


class Delivery(Enum):
    WHOLE = auto()
    CUT = auto()  # the announced length, half the bytes, then the connection closes
    RESET = auto()  # not one byte: TCP RST


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Delivery = Delivery.WHOLE


Respond: TypeAlias = Callable[[Request], Awaitable[Response]]


class Listener:
    """One port. It keeps its number while closed, so that an outage can end."""

    def __init__(self, respond: Respond, host: str = "127.0.0.1") -> None:
        self._respond = respond
        self._host = host
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self.port = 0

    async def open(self, port: int | None = None) -> None:
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        wanted = self.port if port is None else port
        self._server = await loop.create_server(
            lambda: _Connection(self._respond, self._connections),
            self._host,
            wanted,
            reuse_address=True,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections and drop the open ones."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """Requests of one connection are answered in order, one at a time."""

    def __init__(self, respond: Respond, connections: set[_Connection]) -> None:
        self._respond = respond
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._start_message()

    def _start_message(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        if self._work is not None:
            self._work.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, _TooLargeError):
            self._transport.write(
                _encode(Response(400, content_type="text/plain"), keep_alive=False)
            )
            self._transport.close()

    # httptools

    def on_message_begin(self) -> None:
        self._start_message()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY:
            raise _TooLargeError

    def on_message_complete(self) -> None:
        url = httptools.parse_url(self._url)
        request = Request(
            method=self._parser.get_method().decode(),
            path=(url.path or b"/").decode("latin-1"),
            query=(url.query or b"").decode("latin-1"),
            headers=self._headers,
            body=bytes(self._body),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._answer_waiting())

    async def _answer_waiting(self) -> None:
        while self._waiting:
            request, keep_alive = self._waiting.popleft()
            try:
                response = await self._respond(request)
            except Exception:  # noqa: BLE001 - the client is told, or would wait for ever
                _log.exception("an answer failed")
                response = Response(500, content_type="text/plain")
            if self._transport.is_closing():
                return
            if response.delivery is Delivery.RESET:
                self.reset()
                return
            message = _encode(response, keep_alive=keep_alive)
            if response.delivery is Delivery.CUT:
                message = message[: len(message) - len(response.body) // 2 - 1]
            self._transport.write(message)
            if not keep_alive or response.delivery is Delivery.CUT:
                self._transport.close()
                return

    def abort(self) -> None:
        self._transport.abort()

    def reset(self) -> None:
        """Close with RST instead of FIN: linger on, for no time at all."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class _TooLargeError(Exception):
    pass


_BODILESS = frozenset({204, 304})


def _encode(response: Response, *, keep_alive: bool) -> bytes:
    status = HTTPStatus(response.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    if response.status not in _BODILESS:
        lines.append(f"content-type: {response.content_type}")
        lines.append(f"content-length: {len(response.body)}")
    lines.extend(f"{name}: {value}" for name, value in response.headers)
    if not keep_alive:
        lines.append("connection: close")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1") + (b"" if response.status in _BODILESS else response.body)
