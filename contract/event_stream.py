"""GraphQL over server-sent events, "distinct connections mode": one operation, one response.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md and
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MEDIA_TYPE = "text/event-stream"
NEXT = "next"
COMPLETE = "complete"
COMPLETED = b"event: complete\ndata: \n\n"
HEARTBEAT = b":\n\n"
"""A comment: it keeps what lies between from closing a connection that is silent."""


def encode_next(payload: bytes) -> bytes:
    """`payload` is JSON on one line, as our encoders write it."""
    return b"event: next\ndata: %b\n\n" % payload


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    data: bytes


class StreamTooLongError(Exception):
    """One event is longer than its reader takes."""


class EventParser:
    """Bytes in, whole events out; what is no field is ignored, as browsers do."""

    def __init__(self, max_event_bytes: int) -> None:
        self._max_event_bytes = max_event_bytes
        self._rest = b""
        self._type = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        """Raises `StreamTooLongError`, after which there is nothing more to be read."""
        *lines, self._rest = _lines(self._rest + data)
        for line in lines:
            self._count(line)
            if line:
                self._take(line)
                continue
            if self._data:
                yield Event(self._type or "message", b"\n".join(self._data))
            self._type, self._data, self._size = "", [], 0
        if self._size + len(self._rest) > self._max_event_bytes:
            raise StreamTooLongError

    def _count(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > self._max_event_bytes:
            raise StreamTooLongError

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")


def _lines(data: bytes) -> list[bytes]:
    """Split at CR LF, LF and CR; the last one is not ended yet."""
    # A CR at the very end may be half of a line's end: it waits for what follows.
    waiting = data.endswith(b"\r")
    text = data[:-1] if waiting else data
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if waiting:
        lines[-1] += b"\r"
    return lines
