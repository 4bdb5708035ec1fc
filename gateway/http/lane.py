"""The short way from a request's bytes to its answer's, for what was settled before.

A head that came before is not read again, and neither ASGI nor a task is needed. Whatever is not
settled, or not as usual, is not taken here: `gateway.http.graphql` is where the rules stand.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from gateway.authorization.bearer import digest_of, read_bearer
from gateway.cache.lru import LruCache
from gateway.errors import GatewayError
from gateway.http.asgi import Headers, by_name, header, names_loopback, propagated
from gateway.http.negotiation import check_content_type, negotiate
from gateway.http.reading import read_body
from gateway.http.responding import OK, lines_of, response_headers
from gateway.http.streams import as_gateway_error
from gateway.passage import Passage
from gateway.settled import Head
from gateway.telemetry import new_request_id

if TYPE_CHECKING:
    from gateway.http.graphql import GraphQLEndpoint

HEADS: Final = 5_000
MAX_HEAD_BYTES: Final = 8_000
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"
MAX_DIGITS: Final = 7


class KnownHead(msgspec.Struct, frozen=True):
    """Of a request that was read before, all that its head says but for the body's length."""

    head: Head
    media_type: str
    lines: bytes
    """The answer's headers, with places for its length and the request's id."""


class Client(Protocol):
    """Whoever waits at the other end of a connection."""

    def respond(self, status: int, lines: bytes, body: bytes) -> None: ...


class Lane:
    def __init__(self, endpoint: GraphQLEndpoint) -> None:
        self._endpoint = endpoint
        self._known: LruCache[bytes, KnownHead] = LruCache(HEADS)

    def recognise(self, data: bytes) -> tuple[KnownHead, bytes] | None:
        """One whole request, with its body; None for anything that was not learned."""
        read = _split(data)
        if read is None:
            return None
        digest, length, body = read
        known = self._known.get(digest)
        if known is None or len(body) != length:
            return None
        return known, body

    def learn(self, data: bytes, headers: Headers) -> None:
        """One whole request of those that the server calls ordinary, as it was read."""
        endpoint, settings = self._endpoint, self._endpoint.settings
        read = _split(data)
        named = by_name(headers)
        accepted = negotiate(header(named, b"accept"))
        if read is None or accepted.stream is not None:
            return
        if endpoint.returned or endpoint.certificates.wanted:
            # What comes back, or who asks, is not told by the head and the operation alone.
            return
        try:
            check_content_type(header(named, b"content-type"), header(named, b"content-encoding"))
        except GatewayError:
            return
        token = None
        if settings.dev:
            if not names_loopback(header(named, b"host")):
                return
        else:
            token = read_bearer(header(named, b"authorization") or "")
            if not token or not token.isascii():
                return
        head = Head(
            read[0],
            digest_of(token) if token is not None else None,
            propagated(headers, endpoint.propagated),
        )
        lines = lines_of(response_headers(accepted.media_type, b"%d", b"%b"))
        self._known.put(head.digest, KnownHead(head, accepted.media_type, lines))

    def begin(self, known: KnownHead, body: bytes, client: Client) -> Turn | None:
        """None, and nothing has been done, for what is not settled."""
        endpoint = self._endpoint
        if endpoint.places.full or len(body) > endpoint.settings.max_body_bytes:
            return None
        try:
            request = read_body(body)
        except GatewayError:
            return None
        turn = Turn(endpoint, known, client)
        settled = endpoint.pipeline().settled
        turn.passage = settled.begin(known.head, request, turn.request_id, turn.end)
        if turn.passage is None:
            return None
        endpoint.places.taken += 1
        return turn


class Turn:
    """One request on the lane."""

    __slots__ = ("_client", "_endpoint", "_known", "_started", "passage", "request_id")

    def __init__(self, endpoint: GraphQLEndpoint, known: KnownHead, client: Client) -> None:
        self._endpoint = endpoint
        self._known = known
        self._client = client
        self.passage: Passage | None = None
        self.request_id = new_request_id()
        self._started = time.perf_counter()

    def give_up(self) -> None:
        """The client is gone."""
        assert self.passage is not None, "it has begun"
        self._endpoint.places.taken -= 1
        self.passage.give_up()

    def end(self, outcome: bytes | Exception) -> None:
        endpoint = self._endpoint
        endpoint.places.taken -= 1
        if isinstance(outcome, bytes):
            endpoint.observe("OK", self._started)
            lines = self._known.lines % (len(outcome), self.request_id.encode())
            self._client.respond(OK, lines, outcome)
            return
        error = as_gateway_error(outcome, self.request_id)
        media_type, request_id = self._known.media_type, self.request_id
        reply = endpoint.refuse(error, request_id, media_type)
        endpoint.observe(reply.code, self._started)
        length = b"%d" % len(reply.body)
        headers = response_headers(media_type, length, request_id.encode(), reply.headers)
        self._client.respond(reply.status, lines_of(headers), reply.body)


def _split(data: bytes) -> tuple[bytes, int, bytes] | None:
    """The digest of a head but for its `content-length`, that length, and what follows the head.

    None where the length is not told in the plainest way. Heads of one digest are read alike
    whatever length they tell, for no other line is one.
    """
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    if end < 0:
        return None
    head = data[:end]
    small = head.lower()
    line = small.find(_LENGTH)
    if line < 0 or small.find(_LENGTH, line + 1) >= 0:
        return None
    begin = line + len(_LENGTH)
    stop = small.find(b"\r\n", begin)
    digits = head[begin : end if stop < 0 else stop].strip(b" ")
    if not digits.isdigit() or len(digits) > MAX_DIGITS:
        return None
    rest = b"" if stop < 0 else head[stop:]
    digest = hashlib.sha256(head[:begin] + rest).digest()
    return digest, int(digits), data[end + len(_END) :]
