"""The hierarchy of HL segments: who is asked, who asks, who is insured, who was treated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.segments import Segment, split_at

SOURCE, RECEIVER, PROVIDER, SUBSCRIBER, DEPENDENT = "20", "21", "19", "22", "23"
"""HL03: the payer or whoever else answers, who receives the answer, and so on down."""


@dataclass(frozen=True, slots=True)
class Level:
    """One HL with the segments that follow it, up to the next."""

    code: str
    segments: tuple[Segment, ...]
    above: tuple[Level, ...]
    """The levels it lies in, the nearest first."""

    def nearest(self, code: str) -> Level | None:
        """The level itself or the nearest above it that has the code."""
        return next((level for level in (self, *self.above) if level.code == code), None)


def read_levels(body: Sequence[Segment]) -> Iterator[Level]:
    """In the order of the document; `ProtocolViolation` where one lies in none that is there."""
    by_number: dict[str, Level] = {}
    for head, *inside in split_at(body, "HL")[1:]:
        parent = head.element(2)
        if parent and parent not in by_number:
            raise ProtocolViolation("the X12 document has a level inside of none that is there")
        above = (by_number[parent], *by_number[parent].above) if parent else ()
        level = Level(head.element(3), tuple(inside), above)
        by_number[head.element(1)] = level
        yield level
