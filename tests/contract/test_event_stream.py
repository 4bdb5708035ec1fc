"""Event streams are read as browsers read them, however the bytes are cut."""

import itertools

import pytest

from contract.event_stream import (
    COMPLETED,
    HEARTBEAT,
    Event,
    EventParser,
    StreamTooLongError,
    encode_next,
)

STREAMS = {
    "what we write": (
        HEARTBEAT + encode_next(b'{"data":1}') + HEARTBEAT + COMPLETED,
        [Event("next", b'{"data":1}'), Event("complete", b"")],
    ),
    "CR LF": (b"event: next\r\ndata: 1\r\n\r\n", [Event("next", b"1")]),
    "CR": (b"event: next\rdata: 1\r\rdata: 2\r\r:", [Event("next", b"1"), Event("message", b"2")]),
    "lines joined": (b"data: 1\ndata:2\ndata\n\n", [Event("message", b"1\n2\n")]),
    "only one space is taken away": (b"data:  1\n\n", [Event("message", b" 1")]),
    "unknown fields": (b"id: 7\nretry: 1\nfoo\ndata: 1\n\n", [Event("message", b"1")]),
    "no data, no event": (b"event: next\n\ndata: 1\n\n", [Event("message", b"1")]),
    "not ended": (b"data: 1\n", []),
}


@pytest.mark.parametrize(("stream", "events"), STREAMS.values(), ids=STREAMS)
def test_reads(stream, events):
    assert list(EventParser(100).feed(stream)) == events
    parser = EventParser(100)
    one_by_one = (parser.feed(bytes([byte])) for byte in stream)
    assert list(itertools.chain.from_iterable(one_by_one)) == events


@pytest.mark.parametrize(
    "stream",
    [
        b"data: " + b"x" * 100,
        b"data: x\n" * 20,
        b"x" * 101 + b"\n",
        b"data: " + b"x" * 100 + b"\n\n",
    ],
)
def test_an_event_has_its_bounds(stream):
    with pytest.raises(StreamTooLongError):
        list(EventParser(100).feed(stream))


def test_the_bound_is_of_one_event():
    assert len(list(EventParser(20).feed(b"data: 1\n\n" * 50))) == 50
