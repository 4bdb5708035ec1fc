"""`/graphql` over a WebSocket: graphql-transport-ws, to the letter.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
Who asks is settled once for the socket, by the token its first message brings; every operation is
then answered as over HTTP. The older `graphql-ws` is not served: it lets operations in unasked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec

from contract.errors import Code
from contract.transport_ws import (
    MAX_REASON_BYTES,
    PROTOCOL,
    ClientMessage,
    Close,
    Complete,
    ConnectionAck,
    ConnectionInit,
    Error,
    Next,
    NoMessageError,
    Ping,
    Pong,
    ServerMessage,
    Subscribe,
    read_client_message,
    write_message,
)
from gateway.asked import Asked, Incremental, Payloads
from gateway.errors import AccessError, BusyError, GatewayError, IdentityError, RequestError
from gateway.execution.wire import encode
from gateway.http.asgi import (
    Headers,
    Places,
    Receive,
    Scope,
    Send,
    by_name,
    header,
    names_loopback,
    propagated,
)
from gateway.http.certificates import ShownCertificates
from gateway.http.reading import read_body
from gateway.http.streams import as_gateway_error
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.telemetry import Metrics, log, new_request_id


class ClosingError(Exception):
    """Ends the socket."""

    def __init__(self, code: Close, reason: str) -> None:
        """`reason` is our own, and quotes nothing."""
        super().__init__(reason)
        self.code = code
        self.reason = reason


class HungUpError(Exception):
    """The client has gone."""


class WebSocketEndpoint:
    def __init__(
        self,
        settings: Settings,
        pipeline: Callable[[], Pipeline],
        metrics: Metrics,
        places: Places,
        streams: Places,
    ) -> None:
        """`places` and `streams` are those of requests over HTTP: both share them."""
        self.settings = settings
        self.pipeline = pipeline
        self.places = places
        self.streams = streams
        self.metrics = metrics
        self.sockets = Places(settings.streams.sockets)
        metrics.sockets.set_function(lambda: self.sockets.taken)
        self.propagated = frozenset(name.encode() for name in settings.propagate_headers)
        self.certificates = ShownCertificates(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._check_origin(scope["headers"])
            with self.sockets.one():
                await self._serve(scope, receive, send)
        except GatewayError as error:
            await _deny(send, error)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if PROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            code = Close.SUBPROTOCOL_NOT_ACCEPTABLE
            await send({"type": "websocket.close", "code": code, "reason": f"Use {PROTOCOL}"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        await _Socket(self, scope, receive, send).run()

    def _check_origin(self, headers: Headers) -> None:
        """Browsers let any page open a WebSocket to any host, with this host's cookies."""
        named = by_name(headers)
        host, origin = header(named, b"host"), header(named, b"origin")
        if self.settings.dev and not names_loopback(host):
            raise AccessError(Code.FORBIDDEN, note="another host than loopback")
        if origin is None or origin in self.settings.streams.origins:
            return
        if not host or urlsplit(origin).netloc.lower() != host.lower():
            raise AccessError(Code.FORBIDDEN, note="a page of another origin")


class _Socket:
    """Its operations run in one group with its reader: what ends the socket ends them all."""

    def __init__(
        self, endpoint: WebSocketEndpoint, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._endpoint = endpoint
        self._limits = endpoint.settings.streams
        self._scope = scope
        self._receive = receive
        self._send_raw = send
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._authorization: str | None = None
        self._certificate: str | None = None
        self._acknowledged = False
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._over: asyncio.Future[ClosingError] = loop.create_future()
        """What ends the socket although nobody says anything."""
        self._silence = self._end_in(
            self._limits.init_seconds, Close.CONNECTION_INIT_TIMEOUT, "Connection init timed out"
        )
        self._expiry: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                await self._read(group)
        except* HungUpError:
            pass
        except* ClosingError as ended:
            first = ended.exceptions[0]
            assert isinstance(first, ClosingError), "no group within the group"
            await self._close(first)
        finally:
            self._silence.cancel()
            if self._expiry is not None:
                self._expiry.cancel()

    async def _watch(self) -> None:
        raise await self._over

    async def _read(self, group: asyncio.TaskGroup) -> None:
        while True:
            received = await self._receive()
            if received["type"] == "websocket.disconnect":
                raise HungUpError
            text = received.get("text")
            if text is None:
                raise ClosingError(Close.BAD_REQUEST, "Messages are text")
            try:
                message = read_client_message(text)
            except NoMessageError:
                raise ClosingError(Close.BAD_REQUEST, "Not a message of the protocol") from None
            await self._take(message, group)

    async def _take(self, message: ClientMessage, group: asyncio.TaskGroup) -> None:
        match message:
            case ConnectionInit(payload):
                await self._begin(payload or {})
            case Ping(payload):
                await self._send(Pong(payload))
            case Pong():
                pass
            case Subscribe(id_, payload):
                self._subscribe(id_, bytes(payload), group)
            case Complete(id_):
                if operation := self._operations.pop(id_, None):
                    operation.cancel()
                    self._note_idle()

    async def _begin(self, payload: Mapping[str, Any]) -> None:
        if self._acknowledged:
            raise ClosingError(Close.TOO_MANY_INIT_REQUESTS, "Too many initialisation requests")
        named = by_name(self._scope["headers"])
        self._authorization = _token(payload) or header(named, b"authorization")
        certificates = self._endpoint.certificates
        self._certificate = certificates.thumbprint(self._scope) if certificates.wanted else None
        try:
            identity = await self._endpoint.pipeline().preparation.identify(
                self._authorization, self._certificate
            )
        except IdentityError as error:
            raise _forbidden(error) from None
        except GatewayError as error:
            raise ClosingError(Close.TRY_AGAIN_LATER, error.code) from None
        self._acknowledged = True
        if identity.expires_at is not None:
            left = max(0.0, identity.expires_at - time.time())
            self._expiry = self._end_in(left, Close.FORBIDDEN, Code.TOKEN_EXPIRED)
        self._note_idle()
        await self._send(ConnectionAck())

    def _subscribe(self, id_: str, payload: bytes, group: asyncio.TaskGroup) -> None:
        if not self._acknowledged:
            raise ClosingError(Close.UNAUTHORIZED, "Unauthorized")
        if id_ in self._operations:
            raise ClosingError(Close.SUBSCRIBER_EXISTS, "Subscriber for this id already exists")
        try:
            request = read_body(payload)
        except RequestError as error:
            complaints = "".join(each.message for each in error.complaints)
            raise ClosingError(Close.BAD_REQUEST, complaints or error.code) from None
        asked = Asked(
            request,
            self._authorization,
            propagated(self._scope["headers"], self._endpoint.propagated),
            self._certificate,
            Incremental.CURRENT,
            subscribes=True,
        )
        self._silence.cancel()
        full = len(self._operations) >= self._limits.operations_per_socket
        self._operations[id_] = group.create_task(self._operate(id_, asked, full=full))

    async def _operate(self, id_: str, asked: Asked, *, full: bool) -> None:
        started = time.perf_counter()
        request_id = new_request_id()
        code, last = "OK", None
        try:
            await self._answer(id_, asked, request_id, full=full)
        except (ClosingError, HungUpError):
            raise
        except IdentityError as error:
            # Of this socket's token, and so of all that goes on here.
            raise _forbidden(error) from None
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
            refused = as_gateway_error(error, request_id)
            log.info("refused", request_id=request_id, code=refused.code, reason=str(refused))
            code, last = refused.code, refused
        metrics = self._endpoint.metrics
        metrics.requests.count(code)
        metrics.seconds.observe(time.perf_counter() - started)
        # Before the client hears of it, for then it may take the id again.
        self._operations.pop(id_, None)
        self._note_idle()
        await self._send(Complete(id_) if last is None else Error(id_, last.render(request_id)))

    async def _answer(self, id_: str, asked: Asked, request_id: str, *, full: bool) -> None:
        """`full` says that the socket has operations enough already."""
        if full:
            raise BusyError(Code.OVERLOADED)
        endpoint = self._endpoint
        opened: bytes | Payloads
        with endpoint.places.one():
            opened = await endpoint.pipeline().open(asked, request_id)
        if isinstance(opened, bytes):
            await self._send(Next(id_, msgspec.Raw(opened)))
            return
        with endpoint.streams.one():
            async with aclosing(opened):
                async for payload in opened:
                    await self._send(Next(id_, msgspec.Raw(payload)))

    async def _send(self, message: ServerMessage) -> None:
        """Waits while the client reads nothing, but not for ever."""
        try:
            async with asyncio.timeout(self._limits.stalled_seconds):
                await self._send_raw({"type": "websocket.send", "text": write_message(message)})
        except TimeoutError:
            raise ClosingError(Close.TRY_AGAIN_LATER, "Read faster") from None
        except OSError:
            raise HungUpError from None

    async def _close(self, ended: ClosingError) -> None:
        log.info("socket_closed", code=int(ended.code), reason=ended.reason)
        reason = ended.reason.encode()[:MAX_REASON_BYTES].decode("utf-8", "ignore")
        message = {"type": "websocket.close", "code": int(ended.code), "reason": reason}
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._limits.stalled_seconds):
                await self._send_raw(message)

    def _note_idle(self) -> None:
        if not self._operations:
            self._silence.cancel()
            self._silence = self._end_in(self._limits.idle_seconds, Close.NORMAL, "Idle")

    def _end_in(self, seconds: float, code: Close, reason: str) -> asyncio.TimerHandle:
        return self._loop.call_later(seconds, self._end, ClosingError(code, reason))

    def _end(self, why: ClosingError) -> None:
        if not self._over.done():
            self._over.set_result(why)


def _forbidden(error: IdentityError) -> ClosingError:
    return ClosingError(Close.FORBIDDEN, error.code)


def _token(payload: Mapping[str, Any]) -> str | None:
    """Where clients put it: on top, or among what would have been headers."""
    within = payload.get("headers")
    for place in (payload, within if isinstance(within, dict) else {}):
        for name in ("authorization", "Authorization"):
            if isinstance(place.get(name), str):
                return str(place[name])
    return None


async def _deny(send: Send, error: GatewayError) -> None:
    """https://asgi.readthedocs.io/en/latest/extensions.html#websocket-denial-response"""
    request_id = new_request_id()
    log.info("refused", request_id=request_id, code=error.code, reason=str(error))
    headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]
    start = {"type": "websocket.http.response.start", "status": error.status, "headers": headers}
    await send(start)
    body = encode({"errors": error.render(request_id)})
    await send({"type": "websocket.http.response.body", "body": body})
