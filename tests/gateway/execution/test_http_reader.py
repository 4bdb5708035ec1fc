"""A head that was read before is not read again, and nobody can tell."""

from __future__ import annotations

import pytest

from gateway.execution.client import HeaderSink, SubgraphInvalidResponse
from gateway.execution.http_reader import MAX_KNOWN_HEADS, KnownHeads, ResponseReader

LIMIT = 1000


def answer(*lines: bytes, status=b"200 OK", body: bytes = b"{}") -> bytes:
    head = (b"HTTP/1.1 " + status, b"content-type: application/json", *lines, b"", body)
    return b"\r\n".join(head)


SIZED = answer(b"content-length: 2")
STREAMS = {
    "whole": [SIZED],
    "another body": [SIZED[:-2] + b"[]"],
    "in pieces": [SIZED[:-1], SIZED[-1:]],
    "byte by byte": [bytes([byte]) for byte in SIZED],
    "with surplus": [SIZED + b"x"],
    "two at once": [SIZED + SIZED],
    "after an interim response": [b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED],
    "the last on its connection": [answer(b"content-length: 2", b"connection: close")],
    "in chunks": [answer(b"transfer-encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")],
    "of no length": [answer()],
    "refused": [answer(b"content-length: 2", status=b"503 Service Unavailable")],
    "compressed": [answer(b"content-length: 2", b"content-encoding: gzip")],
    "too large": [answer(b"content-length: 2000", body=b" " * 2000)],
    "without a body": [answer(status=b"204 No Content", body=b"")],
    "a body that holds blank lines": [answer(b"content-length: 6", body=b"\r\n\r\n{}")],
}


def read(known: KnownHeads, pieces: list[bytes], sink: HeaderSink | None = None):
    """All that can be told of how these pieces were read."""
    reader = ResponseReader(LIMIT, known)
    reader.expect(sink)
    try:
        given = [reader.feed(piece) for piece in pieces]
        return given, given[-1] or reader.finish(), reader.reusable, reader.begun
    except SubgraphInvalidResponse as error:
        return str(error)


@pytest.mark.parametrize("pieces", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("before", STREAMS.values(), ids=STREAMS)
def test_what_was_read_before_changes_nothing(before, pieces):
    known = KnownHeads()
    read(known, before)
    assert read(known, pieces) == read(KnownHeads(), pieces)
    assert read(known, pieces) == read(KnownHeads(), pieces)


def test_whoever_wants_headers_gets_them_each_time():
    known = KnownHeads()
    for _ in range(2):
        read(known, [SIZED])
        sink = HeaderSink({b"x-cache"})
        read(known, [answer(b"x-cache: hit", b"content-length: 2")], sink)
        assert sink.headers == [(b"x-cache", b"hit")]


def test_one_reader_reads_known_and_other_heads_in_turn():
    reader = ResponseReader(LIMIT, KnownHeads())
    for pieces in [STREAMS[name] for name in ("whole", "in chunks", "whole", "in pieces")] * 2:
        reader.expect()
        given = [reader.feed(piece) for piece in pieces]
        assert given[-1].body == b"{}"
        assert reader.reusable


def test_only_so_many_are_known():
    known = KnownHeads()
    for number in range(2 * MAX_KNOWN_HEADS):
        read(known, [answer(b"x: %d" % number, b"content-length: 2")])
    assert len(known) <= MAX_KNOWN_HEADS
