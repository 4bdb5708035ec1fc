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
_END: Final = b"\r\n\r\n"
MAX_KNOWN_HEADS: Final = 1_000
MAX_KNOWN_BYTES: Final = 2_000
"""Of one."""


@dataclass(slots=True)
class Response:
    """Not frozen, for one is made for every fetch."""

    status: int
    content_type: str
    body: bytes


class KnownHeads:
    """Heads that were read before: most of an origin's are alike to the letter, or for a second.

    Each was read once by llhttp, as all are that differ in anything.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, str, int]] = {}
        """Status, content type and the body's length."""

    def __len__(self) -> int:
        return len(self._known)

    def read(self, data: bytes) -> Response | None:
        """The response that these bytes are; None where they are not one, to the last of them."""
        end = data.find(_END) + len(_END)
        known = self._known.get(data[:end])
        if known is None or len(data) - end != known[2]:
            return None
        return Response(known[0], known[1], data[end:])

    def learn(self, head: bytes, response: Response) -> None:
        """It told the body's length, and that the connection may be used again."""
        if len(self._known) >= MAX_KNOWN_HEADS:
            self._known.clear()
        self._known[head] = (response.status, response.content_type, len(response.body))


class ResponseReader:
    """The other side speaks only when it was spoken to: `expect` goes before each response."""

    def __init__(self, max_body_bytes: int, known: KnownHeads) -> None:
        self._max_body_bytes = max_body_bytes
        self._known = known
        self._parser = httptools.HttpResponseParser(self)
        self.expect()

    def expect(self, sink: HeaderSink | None = None) -> None:
        """A request is about to be sent; the headers of its answer go to the `sink`."""
        self._sink = sink
        self.begun = False
        """Whether any byte of a response has come."""
        self.reusable = False
        """Whether another request may follow the response on the same connection."""

    def feed(self, data: bytes) -> Response | None:
        """The response, once it is whole. Raises SubgraphInvalidResponse for what is none."""
        if self.begun:
            return self._parse(data)
        self.begun = True
        if self._sink is not None:
            self._begin()
            return self._parse(data)
        if (response := self._known.read(data)) is not None:
            self._complete = self.reusable = True
            return response
        self._begin()
        response = self._parse(data)
        if response is not None and self.reusable and self._length == len(response.body):
            self._learn(data, response)
        return response

    def _begin(self) -> None:
        self._complete = False
        self._fault: str | None = None
        self._received = 0
        self._head_complete = False
        self._framed = False
        self._length: int | None = None
        """As the head told it."""
        self._content_type = b""
        self._content_encoding = b""
        self._size = 0
        self._chunks: list[bytes] = []

    def _parse(self, data: bytes) -> Response | None:
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            # Whatever follows a whole response spoils the connection, not the response.
            self.reusable = False
            if not self._complete:
                raise SubgraphInvalidResponse(
                    self._fault or "its answer is not HTTP as we know it"
                ) from None
        if self._received > MAX_HEAD_BYTES + MAX_FRAMING_FACTOR * self._size:
            raise SubgraphInvalidResponse("its answer has more headers than we take")
        return self._response() if self._complete else None

    def _learn(self, data: bytes, response: Response) -> None:
        head = data[: len(data) - len(response.body)]
        # Not one that an interim response went before.
        if len(head) <= MAX_KNOWN_BYTES and head.find(_END) == len(head) - len(_END):
            self._known.learn(head, response)

    def finish(self) -> Response | None:
        """The other side has closed: that too ends a body whose length it did not tell.

        https://www.rfc-editor.org/rfc/rfc9112#section-6.3-2.8
        """
        whole = self.begun and self._head_complete and not self._framed
        return self._response() if whole else None

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
            self._length = int(value)
            if self._length > self._max_body_bytes:
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
            self.reusable = self._parser.should_keep_alive()

    def _refuse(self, fault: str) -> None:
        self._fault = fault
        raise _StopError


class _StopError(Exception):
    """Tells llhttp to read no further."""
