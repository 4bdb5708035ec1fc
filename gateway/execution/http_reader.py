"""Responses off one connection, without the connection: bytes in, at most one response out.

https://www.rfc-editor.org/rfc/rfc9112 is parsed by llhttp, strictly; what bounds a response's size
and decides whether its connection may be used again is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httptools

from gateway.execution.client import HeaderSink, SubgraphInvalidResponse

MAX_HEAD_BYTES: Final = 64 * 1024
# A body in chunks of one byte each takes six times its size.
MAX_FRAMING_FACTOR: Final = 6
FIRST_FINAL_STATUS: Final = 200
# https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
_UNENCODED: Final = (b"", b"identity")


@dataclass(slots=True)
class Response:
    """Not frozen, for one is made for every fetch."""

    status: int
    content_type: str
    body: bytes


class ResponseReader:
    """The other side speaks only when it was spoken to: `expect` goes before each response."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._surplus = False
        self._keep_alive = False
        self.expect()

    def expect(self, sink: HeaderSink | None = None) -> None:
        """A request is about to be sent; the headers of its answer go to the `sink`."""
        self._sink = sink
        self.begun = False
        """Whether any byte of a response has come."""
        self._complete = False
        self._fault: str | None = None
        self._received = 0
        self._head_complete = False
        self._framed = False
        self._content_type = b""
        self._content_encoding = b""
        self._size = 0
        self._chunks: list[bytes] = []

    @property
    def reusable(self) -> bool:
        """Whether another request may follow the response on the same connection."""
        return self._complete and self._keep_alive and not self._surplus

    def feed(self, data: bytes) -> Response | None:
        """The response, once it is whole. Raises SubgraphInvalidResponse for what is none."""
        self.begun = True
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # Whatever follows a whole response spoils the connection, not the response.
            self._surplus = True
            if not self._complete:
                raise SubgraphInvalidResponse(
                    self._fault or "its answer is not HTTP as we know it"
                ) from None
        if self._received > MAX_HEAD_BYTES + MAX_FRAMING_FACTOR * self._size:
            raise SubgraphInvalidResponse("its answer has more headers than we take")
        return self._response() if self._complete else None

    def finish(self) -> Response | None:
        """The other side has closed: that too ends a body whose length it did not tell.

        https://www.rfc-editor.org/rfc/rfc9112#section-6.3-2.8
        """
        if self._complete or (self._head_complete and not self._framed):
            return self._response()
        return None

    def _response(self) -> Response:
        content_type = self._content_type.decode("latin-1")
        return Response(self._parser.get_status_code(), content_type, b"".join(self._chunks))

    # What llhttp tells. An exception raised here ends its parsing for good.

    def on_message_begin(self) -> None:
        if self._complete:
            raise _StopError

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-type":
            self._content_type = value
        elif name == b"content-encoding":
            self._content_encoding = value.strip().lower()
        elif name == b"content-length":
            self._framed = True
            if int(value) > self._max_body_bytes:
                self._refuse("its answer is larger than we take")
        elif name == b"transfer-encoding":
            self._framed = True
        elif self._sink is not None and not self._head_complete:
            self._sink.offer(name, value)

    def on_headers_complete(self) -> None:
        # After an interim response the real one follows.
        if self._parser.get_status_code() >= FIRST_FINAL_STATUS:
            self._head_complete = True
        else:
            self._framed = False
            if self._sink is not None:
                self._sink.headers.clear()
        if self._content_encoding not in _UNENCODED:
            self._refuse("its answer is compressed, which nobody asked for")

    def on_body(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._max_body_bytes:
            self._refuse("its answer is larger than we take")
        self._chunks.append(part)

    def on_message_complete(self) -> None:
        if self._head_complete:
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()

    def _refuse(self, fault: str) -> None:
        self._fault = fault
        raise _StopError


class _StopError(Exception):
    """Tells llhttp to read no further."""
