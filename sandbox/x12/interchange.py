"""X12's envelopes: ISA/IEA around GS/GE around ST/SE around segments.

ISA has a fixed width because it tells the delimiters: the fourth character separates elements, its
eleventh element repetitions, its sixteenth components, and what follows it ends every segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

Segment: TypeAlias = tuple[str, ...]  # its name, then its elements

_ISA_LENGTH = 106  # with the segment terminator
_ISA_WIDTHS = (3, 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)


class MalformedInterchangeError(Exception):
    """Says which rule is broken and quotes nothing: what was sent may hold PHI."""


@dataclass(frozen=True, slots=True)
class Delimiters:
    element: str
    repetition: str
    component: str
    segment: str


@dataclass(frozen=True, slots=True)
class TransactionSet:
    header: Segment
    body: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Group:
    header: Segment
    sets: tuple[TransactionSet, ...]


@dataclass(frozen=True, slots=True)
class Interchange:
    delimiters: Delimiters
    header: Segment
    groups: tuple[Group, ...]


def parse_interchange(text: str) -> Interchange:
    """Raises MalformedInterchangeError."""
    delimiters = _read_delimiters(text)
    segments = _segments(text, delimiters)
    isa = next(segments)
    if tuple(map(len, isa)) != _ISA_WIDTHS:
        raise MalformedInterchangeError("ISA elements have the wrong widths")
    groups: list[Group] = []
    for segment in segments:
        if segment[0] == "IEA":
            _check(segment, len(groups), isa[13], "IEA")
            if next(segments, None) is not None:
                raise MalformedInterchangeError("there is something after IEA")
            return Interchange(delimiters, isa, tuple(groups))
        if segment[0] != "GS":
            raise MalformedInterchangeError("a group does not begin with GS")
        groups.append(_group(segment, segments))
    raise MalformedInterchangeError("IEA is missing")


def format_interchange(interchange: Interchange) -> str:
    """Counts and closing control numbers are worked out here."""
    segments: list[Segment] = [interchange.header]
    for group in interchange.groups:
        segments.append(group.header)
        for each in group.sets:
            count = str(len(each.body) + 2)
            segments += [each.header, *each.body, ("SE", count, each.header[2])]
        segments.append(("GE", str(len(group.sets)), group.header[6]))
    segments.append(("IEA", str(len(interchange.groups)), interchange.header[13]))
    return "".join(_format(segment, interchange.delimiters) for segment in segments)


def answer_envelopes(
    asked: Interchange,
    kind: tuple[str, str, str],
    answer: Callable[[TransactionSet], Sequence[Segment]],
    now: datetime,
) -> Interchange:
    """Around the answers, whose `kind` is GS01, ST01 and their guide: sender and receiver change
    places, and every control number comes back as it was sent.
    """
    functional, transaction, version = kind
    day, time = now.strftime("%Y%m%d"), now.strftime("%H%M")
    isa = list(asked.header)
    isa[5:9] = [*asked.header[7:9], *asked.header[5:7]]
    isa[9], isa[10] = day[2:], time
    groups = []
    for group in asked.groups:
        _, _, sender, receiver, _, _, number, agency, _ = group.header
        header = ("GS", functional, receiver, sender, day, time, number, agency, version)
        sets = [
            TransactionSet(("ST", transaction, each.header[2], version), tuple(answer(each)))
            for each in group.sets
        ]
        groups.append(Group(header, tuple(sets)))
    return Interchange(asked.delimiters, tuple(isa), tuple(groups))


def dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _read_delimiters(text: str) -> Delimiters:
    if not text.startswith("ISA") or len(text) < _ISA_LENGTH:
        raise MalformedInterchangeError("it does not begin with ISA")
    found = Delimiters(element=text[3], repetition=text[82], component=text[104], segment=text[105])
    if len({found.element, found.repetition, found.component, found.segment}) != 4:  # noqa: PLR2004
        raise MalformedInterchangeError("two delimiters are the same")
    return found


def _segments(text: str, delimiters: Delimiters) -> Iterator[Segment]:
    """Line ends between segments are a courtesy to readers, and no part of them."""
    for piece in text.split(delimiters.segment):
        stripped = piece.strip("\r\n")
        if stripped.strip():
            yield tuple(stripped.split(delimiters.element))


def _group(header: Segment, segments: Iterator[Segment]) -> Group:
    if len(header) != 9:  # noqa: PLR2004 - GS and its eight elements
        raise MalformedInterchangeError("GS is incomplete")
    sets: list[TransactionSet] = []
    for segment in segments:
        if segment[0] == "GE":
            _check(segment, len(sets), header[6], "GE")
            return Group(header, tuple(sets))
        if segment[0] != "ST" or len(segment) < 3:  # noqa: PLR2004 - ST, what, its number
            raise MalformedInterchangeError("a transaction set does not begin with ST")
        sets.append(_transaction_set(segment, segments))
    raise MalformedInterchangeError("GE is missing")


def _transaction_set(header: Segment, segments: Iterator[Segment]) -> TransactionSet:
    body: list[Segment] = []
    for segment in segments:
        if segment[0] == "SE":
            _check(segment, len(body) + 2, header[2], "SE")
            return TransactionSet(header, tuple(body))
        body.append(segment)
    raise MalformedInterchangeError("SE is missing")


def _check(trailer: Segment, count: int, control_number: str, name: str) -> None:
    if trailer[1:] != (str(count), control_number):
        raise MalformedInterchangeError(f"{name} does not agree with what it closes")


def _format(segment: Segment, delimiters: Delimiters) -> str:
    if segment[0] == "ISA":
        elements: Iterable[str] = segment
    else:
        elements = (_clean(element, delimiters) for element in segment)
    return delimiters.element.join(elements).rstrip(delimiters.element) + delimiters.segment


def _clean(element: str, delimiters: Delimiters) -> str:
    """X12 has no escape: a delimiter inside a value becomes a blank."""
    table = {ord(each): " " for each in (delimiters.element, delimiters.segment)}
    return element.translate(table)
