"""Read an X12 interchange into segments, and check that it is whole.

Delimiters are read from ISA, which alone has fixed widths. The trailer of each envelope repeats its
header's control number and counts what it encloses: what was cut short or joined wrongly does not
add up. Trading partners end segments with or without line breaks; both are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subgraphs.connectors.errors import ProtocolViolation

ISA_LENGTH = 106
ISA_ELEMENTS = 16


@dataclass(frozen=True, slots=True)
class Segment:
    name: str
    elements: tuple[str, ...]
    repetition: str

    def element(self, position: int) -> str:
        """The first after the name is 1, as the implementation guides count."""
        return self.elements[position - 1] if position <= len(self.elements) else ""

    def repeats(self, position: int) -> tuple[str, ...]:
        """An element that may stand several times, one after the other."""
        element = self.element(position)
        return tuple(element.split(self.repetition)) if element else ()


@dataclass(frozen=True, slots=True)
class TransactionSet:
    """What lies between ST and SE."""

    kind: str
    """ST01, for example `271`."""
    body: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class _Envelope:
    """A header and its trailer, and where the two have the control number."""

    header: str
    trailer: str
    header_control: int
    counts: str | None
    """The header whose occurrences the trailer counts; SE counts every segment, itself included."""


_INTERCHANGE = _Envelope("ISA", "IEA", 13, "GS")
_GROUP = _Envelope("GS", "GE", 6, "ST")
_TRANSACTION = _Envelope("ST", "SE", 2, None)


def read_interchange(content: bytes) -> list[TransactionSet]:
    """Every transaction set of an interchange, or `ProtocolViolation`."""
    interchange = list(_segments(content))
    (whole,) = _enclosed([interchange], _INTERCHANGE)
    groups = _enclosed(_split(whole, _GROUP), _GROUP)
    transactions = [part for group in groups for part in _split(group, _TRANSACTION)]
    return [
        TransactionSet(part[0].element(1), tuple(body))
        for part, body in zip(transactions, _enclosed(transactions, _TRANSACTION), strict=True)
    ]


def _segments(content: bytes) -> Iterator[Segment]:
    # Every octet is a character in Latin-1, so this cannot fail on a partner's own character set.
    text = content.decode("latin-1").lstrip("\r\n ")
    isa = text[:ISA_LENGTH]
    if not isa.startswith("ISA") or len(isa) != ISA_LENGTH or isa.count(isa[3]) != ISA_ELEMENTS:
        raise ProtocolViolation("the answer is no X12 interchange")
    element, repetition, terminator = isa[3], isa[82], isa[105]
    for raw in text.split(terminator):
        segment = raw.strip("\r\n ")
        if segment:
            name, *elements = segment.split(element)
            yield Segment(name, tuple(elements), repetition)


def _split(segments: Sequence[Segment], envelope: _Envelope) -> list[list[Segment]]:
    """Cut at each header; what stands before the first has no envelope."""
    parts: list[list[Segment]] = []
    for segment in segments:
        if segment.name == envelope.header:
            parts.append([])
        elif not parts:
            raise ProtocolViolation("the X12 answer has segments outside of an envelope")
        parts[-1].append(segment)
    return parts


def _enclosed(parts: Sequence[Sequence[Segment]], envelope: _Envelope) -> list[list[Segment]]:
    """The inside of each part, once header and trailer agree about it."""
    inside = []
    for part in parts:
        header, trailer = part[0], part[-1]
        if (header.name, trailer.name) != (envelope.header, envelope.trailer):
            raise ProtocolViolation("the X12 answer is cut short")
        if header.element(envelope.header_control) != trailer.element(2):
            raise ProtocolViolation("the X12 answer's control numbers disagree")
        count = sum(1 for s in part if envelope.counts in {None, s.name})
        if trailer.element(1).strip() != str(count):
            raise ProtocolViolation("the X12 answer's counts disagree")
        inside.append(list(part[1:-1]))
    return inside
