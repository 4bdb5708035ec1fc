"""Answers of several payloads over HTTP: server-sent events, and two kinds of multipart.

Whoever hangs up, or reads too slowly for too long, ends all that feeds the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from contract.errors import Code
from contract.event_stream import COMPLETED, HEARTBEAT, encode_next
from contract.event_stream import MEDIA_TYPE as EVENT_STREAM
from gateway.asked import Payloads
from gateway.errors import FaultError, GatewayError
from gateway.execution.response_headers import CACHING, NO_STORE
from gateway.execution.wire import encode
from gateway.http.asgi import Receive, Send
from gateway.http.negotiation import Stream
from gateway.settings import Streams
from gateway.telemetry import log


@dataclass(frozen=True, slots=True)
class Framing:
    """How payloads become bytes of one kind of stream."""

    content_type: bytes
    start: bytes
    before: bytes
    after: bytes
    """Around each payload."""
    end: bytes
    heartbeat: bytes | None = None
    wrapped: bool = False
    """Whether a payload is one of several members, of which `errors` end the stream."""

    def part(self, payload: bytes) -> bytes:
        if self.wrapped:
            payload = b'{"payload":%b}' % payload
        return b"%b%b%b" % (self.before, payload, self.after)

    def failure(self, error: GatewayError, request_id: str, *, has_next: bool) -> bytes:
        """The last part of a stream that is broken off."""
        body = {"errors": error.render(request_id)}
        if self.wrapped:
            return b"%b%b%b" % (self.before, encode({"payload": None, **body}), self.after)
        return self.part(encode({**body, **({"hasNext": False} if has_next else {})}))


def _multipart(boundary: bytes, parameter: bytes, *, wrapped: bool) -> Framing:
    """The boundary follows each part at once: a client takes no part before it has seen one."""
    delimiter = b"\r\n--" + boundary
    before = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
    return Framing(
        content_type=b'multipart/mixed; boundary="' + boundary + b'"' + parameter,
        start=delimiter,
        before=before,
        after=delimiter,
        end=b"--\r\n",
        heartbeat=before + b"{}" + delimiter if wrapped else None,
        wrapped=wrapped,
    )


_event_before, _, _event_after = encode_next(b"\0").partition(b"\0")
FRAMINGS: Final = {
    Stream.EVENTS: Framing(
        content_type=EVENT_STREAM.encode() + b"; charset=utf-8",
        start=HEARTBEAT,
        before=_event_before,
        after=_event_after,
        end=COMPLETED,
        heartbeat=HEARTBEAT,
    ),
    Stream.PARTS: _multipart(b"-", b"", wrapped=False),
    Stream.SUBSCRIPTION_PARTS: _multipart(b"graphql", b"; subscriptionSpec=1.0", wrapped=True),
}


async def respond_with_stream(
    receive: Receive,
    send: Send,
    payloads: Payloads,
    stream: Stream,
    *,
    request_id: str,
    limits: Streams,
) -> None:
    """Returns when the stream has ended, whoever ended it; the request has been read whole."""
    sending = asyncio.create_task(_send_all(send, payloads, stream, request_id, limits))
    gone = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, gone):
            task.cancel()
        await asyncio.wait({sending, gone})
    if not sending.cancelled():
        sending.result()


async def one(payload: bytes) -> Payloads:
    """An answer in one piece, for a client that takes nothing but streams."""
    yield payload


async def _send_all(
    send: Send, payloads: Payloads, stream: Stream, request_id: str, limits: Streams
) -> None:
    framing = FRAMINGS[stream]
    headers = [
        (b"content-type", framing.content_type),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        (CACHING, NO_STORE),
        # Proxies that collect a response before they pass it on are told not to.
        (b"x-accel-buffering", b"no"),
    ]

    async def write(data: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(limits.stalled_seconds):
            await send({"type": "http.response.body", "body": data, "more_body": more})

    async with aclosing(payloads):
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await write(framing.start)
            async with aclosing(_with_pauses(payloads, limits.heartbeat_seconds)) as arriving:
                async for payload in arriving:
                    if payload is not None:
                        await write(framing.part(payload))
                    elif framing.heartbeat is not None:
                        await write(framing.heartbeat)
        except TimeoutError:
            log.info("slow_reader_dropped", request_id=request_id)
            return
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the client
            ended = as_gateway_error(error, request_id)
            log.info("stream_ended", request_id=request_id, code=ended.code, reason=str(ended))
            has_next = stream is Stream.PARTS
            await write(framing.failure(ended, request_id, has_next=has_next))
        await write(framing.end, more=False)


def as_gateway_error(error: Exception, request_id: str) -> GatewayError:
    """What a client is told; what nobody foresaw is written to the log."""
    if isinstance(error, GatewayError):
        return error
    log.error("unexpected", request_id=request_id, exc_info=error)
    return FaultError(Code.INTERNAL)


async def _with_pauses(payloads: Payloads, seconds: float) -> AsyncGenerator[bytes | None, None]:
    """The payloads, and None whenever none has come for so long."""
    following = asyncio.ensure_future(anext(payloads, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=seconds)
            if not done:
                yield None
                continue
            payload = following.result()
            if payload is None:
                return
            yield payload
            following = asyncio.ensure_future(anext(payloads, None))
    finally:
        following.cancel()
        # Whatever it came to, nobody waits for it any more.
        await asyncio.gather(following, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
