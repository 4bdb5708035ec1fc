"""What a 270 asks (005010X279A1): its hierarchy of payer, provider and subscribers."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.x12.interchange import Delimiters, MalformedInterchangeError, Segment, TransactionSet

GENERAL_COVERAGE = "30"
_PAYER, _PROVIDER, _SUBSCRIBER, _DEPENDENT = "20", "21", "22", "23"


@dataclass(slots=True)
class Level:
    """One HL loop, with the segments that matter to us."""

    id: str
    parent: str
    code: str
    name: Segment = ()
    traces: list[Segment] = field(default_factory=list)
    birth_date: str | None = None
    service_types: list[str] = field(default_factory=list)

    @property
    def is_payer(self) -> bool:
        return self.code == _PAYER

    @property
    def is_provider(self) -> bool:
        return self.code == _PROVIDER

    @property
    def is_dependent(self) -> bool:
        return self.code == _DEPENDENT

    @property
    def member_id(self) -> str | None:
        """NM109, where NM108 says it is a member id."""
        return element(self.name, 9) if element(self.name, 8) == "MI" else None


@dataclass(frozen=True, slots=True)
class Inquiry:
    reference: str  # BHT03, echoed
    levels: tuple[Level, ...]


def element(segment: Segment, place: int) -> str:
    return segment[place] if place < len(segment) else ""


def read_inquiry(transaction: TransactionSet, delimiters: Delimiters) -> Inquiry:
    """Raises MalformedInterchangeError."""
    if transaction.header[1] != "270":
        raise MalformedInterchangeError("a transaction set is not a 270")
    reference = ""
    levels: list[Level] = []
    for segment in transaction.body:
        if segment[0] == "BHT":
            reference = element(segment, 3)
        elif segment[0] == "HL":
            levels.append(Level(element(segment, 1), element(segment, 2), element(segment, 3)))
        elif levels:
            _read_into(levels[-1], segment, delimiters)
    if [level.code for level in levels[:2]] != [_PAYER, _PROVIDER]:
        raise MalformedInterchangeError("a 270 begins with a payer and a provider")
    if not all(level.name for level in levels):
        raise MalformedInterchangeError("a level does not say who it is about")
    return Inquiry(reference, tuple(levels))


def _read_into(level: Level, segment: Segment, delimiters: Delimiters) -> None:
    match segment[0]:
        case "NM1":
            level.name = segment
        case "TRN":
            level.traces.append(segment)
        case "DMG" if element(segment, 1) == "D8":
            level.birth_date = element(segment, 2)
        case "EQ":
            level.service_types += element(segment, 1).split(delimiters.repetition)
