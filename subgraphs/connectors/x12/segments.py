"""Read an X12 interchange into segments, and check that it is whole.

Delimiters are read from ISA, which alone has fixed widths. The trailer of each envelope repeats its
header's control number and counts what it encloses: what was cut short or joined wrongly does not
add up. Trading partners end segments with or without line breaks; both are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from subgraphs.connectors.errors import ProtocolViolation

COMPONENT_SEPARATORS = ":>"
ISA_LENGTH = 106
ISA_ELEMENTS = 16


@dataclass(frozen=True, slots=True)
class Segment:
    name: str
    elements: tuple[str, ...]
    repetition: str
    component: str = ":"

    def element(self, position: int) -> str:
        """The first after the name is 1, as the implementation guides count."""
        return self.elements[position - 1] if position <= len(self.elements) else ""

    def repeats(self, position: int) -> tuple[str, ...]:
        """An element that may stand several times, one after the other."""
        element = self.element(position)
        return tuple(element.split(self.repetition)) if element else ()

    def components(self, position: int, repeat: int = 0) -> tuple[str, ...]:
        """The parts of a composite element, at least one.

        Some partners announce one separator in ISA and use the other common one: codes have
        neither in them.
        """
        repeats = self.repeats(position)
        element = repeats[repeat] if repeat < len(repeats) else ""
        used = (each for each in (self.component, *COMPONENT_SEPARATORS) if each in element)
        return tuple(element.split(next(used, self.component)))


@dataclass(frozen=True, slots=True)
class TransactionSet:
    """What lies between ST and SE."""

    kind: str
    """ST01, for example `271`."""
    body: tuple[Segment, ...]
    version: str = ""
    """The implementation guide, of ST03 or else GS08, for example `005010X279A1`."""
    sent_at: str = ""
    """When its group was made, as GS04 and GS05 say, taken for UTC; empty where they do not."""


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


def split_at(segments: Iterable[Segment], head: str) -> list[list[Segment]]:
    """What stands before the first head, and then one part for each head."""
    parts: list[list[Segment]] = [[]]
    for segment in segments:
        if segment.name == head:
            parts.append([])
        parts[-1].append(segment)
    return parts


def qualified(segments: Iterable[Segment], name: str, qualifier: str) -> Iterator[Segment]:
    """The segments of a name whose first element says what they are about: `REF*EJ`."""
    return (s for s in segments if s.name == name and s.element(1) == qualifier)


def reference(segments: Iterable[Segment], kind: str) -> str:
    """What the first REF of the kind tells, or nothing."""
    return next((segment.element(2) for segment in qualified(segments, "REF", kind)), "")


def read_interchange(content: bytes) -> list[TransactionSet]:
    """Every transaction set of an interchange, or `ProtocolViolation`."""
    interchange = list(_segments(content))
    (whole,) = _enclosed([interchange], _INTERCHANGE)
    groups = _split(whole, _GROUP)
    found: list[TransactionSet] = []
    for group, inside in zip(groups, _enclosed(groups, _GROUP), strict=True):
        sets = _split(inside, _TRANSACTION)
        for part, body in zip(sets, _enclosed(sets, _TRANSACTION), strict=True):
            version = part[0].element(3) or group[0].element(8)
            sent_at = _moment(group[0].element(4), group[0].element(5))
            found.append(TransactionSet(part[0].element(1), tuple(body), version, sent_at))
    return found


def _moment(day: str, time: str) -> str:
    """`20260105` and `0930` or `093059` as `2026-01-05T09:30:00Z`."""
    try:
        read = datetime.strptime(f"{day}{time[:4] or '0000'}", "%Y%m%d%H%M")  # noqa: DTZ007 - the standard has no zone
    except ValueError:
        return ""
    return f"{read.isoformat()}Z"


def _segments(content: bytes) -> Iterator[Segment]:
    # Every octet is a character in Latin-1, so this cannot fail on a partner's own character set.
    text = content.decode("latin-1").lstrip("\r\n ")
    isa = text[:ISA_LENGTH]
    if not isa.startswith("ISA") or len(isa) != ISA_LENGTH or isa.count(isa[3]) != ISA_ELEMENTS:
        raise ProtocolViolation("the answer is no X12 interchange")
    element, repetition, component, terminator = isa[3], isa[82], isa[104], isa[105]
    for raw in text.split(terminator):
        segment = raw.strip("\r\n ")
        if segment:
            name, *elements = segment.split(element)
            yield Segment(name, tuple(elements), repetition, component)


def _split(segments: Sequence[Segment], envelope: _Envelope) -> list[list[Segment]]:
    """Cut at each header; what stands before the first has no envelope."""
    outside, *parts = split_at(segments, envelope.header)
    if outside:
        raise ProtocolViolation("the X12 answer has segments outside of an envelope")
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
