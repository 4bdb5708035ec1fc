"""What is sent: a status, headers and a body, of which most are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.departure import DEPART, Depart
from gateway.execution.response_headers import CACHING, NO_STORE
from gateway.http.asgi import Headers, Scope, Send

OK: Final = 200


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    code: str
    """What the metrics call it: `OK`, or the code it was refused with."""
    headers: tuple[tuple[bytes, bytes], ...] = ()


def response_headers(
    media_type: str,
    length: bytes,
    request_id: bytes,
    others: tuple[tuple[bytes, bytes], ...] = (),
) -> Headers:
    headers = [
        (b"content-type", b"%b; charset=utf-8" % media_type.encode()),
        (b"content-length", length),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id),
        *others,
    ]
    if all(name != CACHING for name, _ in others):
        headers.append((CACHING, NO_STORE))
    return headers


def lines_of(headers: Headers) -> bytes:
    """As they are sent. Raises ValueError for what would be more than these headers."""
    lines = b"".join([b"%b: %b\r\n" % pair for pair in headers])
    # A line break in a value would begin a header of somebody else's making.
    if not lines.count(b"\r") == lines.count(b"\n") == len(headers) or b"\0" in lines:
        raise ValueError("a header holds a line break")
    return lines


async def respond(scope: Scope, send: Send, reply: Reply, media_type: str, request_id: str) -> None:
    length, identity = b"%d" % len(reply.body), request_id.encode()
    headers = response_headers(media_type, length, identity, reply.headers)
    depart: Depart | None = scope.get(DEPART)
    if depart is not None and depart(reply.status, headers, reply.body):
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
