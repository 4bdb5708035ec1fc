"""The data elements that X12's guides share: numbers, dates, and who is who."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.x12.segments import Segment

# X12's data type R: no exponent, no grouping.
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)", re.ASCII)
_PERSON = "1"


@dataclass(frozen=True, slots=True)
class Dates:
    """A day, or the first and the last of several."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Party:
    """One NM1 or N1 segment: a person or an organization."""

    role: str
    """NM101: PR payer, 85 billing provider, IL insured, QC patient, 82 rendering provider, …"""
    name: str
    """A person's family name."""
    given: str = ""
    middle: str = ""
    is_person: bool = False
    id: str = ""
    id_kind: str = ""
    """NM108: XX is an NPI, MI a member's number, PI a payer's, FI a tax number, …"""
    birth_date: date | None = None
    sex: str = ""
    """DMG03: F, M or U."""

    @property
    def npi(self) -> str | None:
        return self.id if self.id_kind == "XX" else None


def read_party(segment: Segment) -> Party:
    """An NM1, or an N1, which has no room for a person's name."""
    if segment.name == "N1":
        return Party(
            role=segment.element(1),
            name=segment.element(2),
            id=segment.element(4),
            id_kind=segment.element(3),
        )
    return Party(
        role=segment.element(1),
        name=segment.element(3),
        given=segment.element(4),
        middle=segment.element(5),
        is_person=segment.element(2) == _PERSON,
        id=segment.element(9),
        id_kind=segment.element(8),
    )


def read_parties(segments: Iterable[Segment]) -> list[Party]:
    """Each with the birth date and sex that follow its name."""
    parties: list[Party] = []
    for segment in segments:
        if segment.name == "NM1":
            parties.append(read_party(segment))
        elif segment.name == "DMG" and parties:
            birth_date, sex = read_birth(segment)
            parties[-1] = replace(parties[-1], birth_date=birth_date, sex=sex)
    return parties


def in_role(parties: Iterable[Party], role: str) -> Party | None:
    return next((party for party in parties if party.role == role), None)


def read_decimal(segment: Segment, position: int) -> Decimal | None:
    """A number; None where nothing stands there. `ProtocolViolation` for anything else."""
    return parse_decimal(segment.element(position), f"{segment.name}{position:02d}")


def read_amount(segment: Segment, position: int) -> Decimal:
    """A number that has to be there; left out, it is zero."""
    return read_decimal(segment, position) or Decimal(0)


def parse_decimal(element: str, place: str) -> Decimal | None:
    if not element:
        return None
    if not _NUMBER.fullmatch(element):
        raise ProtocolViolation(f"the X12 document's {place} is no number")
    return Decimal(element)


def read_dates(segment: Segment) -> Dates | None:
    """What a DTP says, in whichever of its formats: D8, RD8 or DT."""
    first, _, last = segment.element(3).partition("-")
    start = _parse_date(first)
    end = _parse_date(last) if segment.element(2) == "RD8" else start
    return Dates(start, end) if start and end else None


def read_birth(segment: Segment) -> tuple[date | None, str]:
    """Birth date and sex, of a DMG."""
    return read_date(segment, 2), segment.element(3)


def read_date(segment: Segment, position: int) -> date | None:
    """A day; None where none is told, or what is told is none: for that, no money is left out."""
    return _parse_date(segment.element(position))


def _parse_date(element: str) -> date | None:
    """CCYYMMDD, with or without a time of day behind it."""
    try:
        return datetime.strptime(element[:8], "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
