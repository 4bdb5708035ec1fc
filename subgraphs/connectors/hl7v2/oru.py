"""Results: ORU^R01.

https://www.hl7.eu/HL7v2x/v251/std251/ch07.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.hl7v2.message import Message, Repetition, Segment, split_at
from subgraphs.connectors.hl7v2.people import (
    PersonRecord,
    Practitioner,
    Visit,
    read_person,
    read_practitioner,
    read_visit,
)
from subgraphs.connectors.hl7v2.times import fhir_time

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_CODED: Final = frozenset({"CE", "CWE", "CNE", "CF"})


@dataclass(frozen=True, slots=True)
class Code:
    """CE or CWE, and what else it is called."""

    code: str
    display: str
    system: str
    """Table 0396: LN is LOINC, SCT SNOMED CT, …, L the sender's own."""


@dataclass(frozen=True, slots=True)
class StructuredNumber:
    """SN: `>^100`, `^1^:^128`, `^182`."""

    comparator: str
    first: Decimal | None
    separator: str
    second: Decimal | None


Value: TypeAlias = Decimal | StructuredNumber | Code | str


@dataclass(frozen=True, slots=True)
class Result:
    """One OBX."""

    code: Code
    sub_id: str
    """Tells results of one code in one report apart."""
    values: tuple[Value, ...]
    unit: str
    """OBX-6.1, as the sender writes it."""
    reference_range: str
    flags: tuple[str, ...]
    """Table 0078: H, L, HH, A, N, …"""
    status: str
    """Table 0085: F final, P preliminary, C corrected, W wrong, X not to be had, D deleted."""
    observed_at: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One OBR with its results."""

    placer: str
    filler: str
    code: Code
    status: str
    """Table 0123: F final, C corrected, P preliminary, …"""
    observed_at: str | None
    reported_at: str | None
    ordered_by: Practitioner | None
    results: tuple[Result, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """One ORU message."""

    person: PersonRecord
    visit: Visit | None
    reports: tuple[Report, ...]


def read_results(message: Message) -> Results:
    """Raises `ProtocolViolation` where the message is about nobody, or reports nothing."""
    pid, pv1 = message.first("PID"), message.first("PV1")
    _, *reports = split_at(message.segments, "OBR")
    if pid is None or not reports:
        missing = "PID" if pid is None else "OBR"
        raise ProtocolViolation(f"the ORU message has no {missing}")
    return Results(
        person=read_person(pid),
        visit=read_visit(pv1) if pv1 else None,
        reports=tuple(map(_read_report, reports)),
    )


def _read_report(segments: list[Segment]) -> Report:
    own, *results = split_at(tuple(segments), "OBX")
    obr = own[0]
    ordering = obr.repeats(16)
    return Report(
        placer=obr.text(2),
        filler=obr.text(3),
        code=_read_codes(obr, 4)[0],
        status=obr.text(25),
        observed_at=fhir_time(obr.text(7)),
        reported_at=fhir_time(obr.text(22)),
        ordered_by=read_practitioner(ordering[0]) if ordering else None,
        results=tuple(map(_read_result, results)),
        notes=_read_notes(own),
    )


def _read_result(segments: list[Segment]) -> Result:
    obx = segments[0]
    return Result(
        code=_read_codes(obx, 3)[0],
        sub_id=obx.text(4),
        values=tuple(_read_value(obx.text(2), each) for each in obx.repeats(5)),
        unit=obx.text(6),
        reference_range=obx.text(7),
        flags=tuple(each.text() for each in obx.repeats(8)),
        status=obx.text(11),
        observed_at=fhir_time(obx.text(14)),
        notes=_read_notes(segments),
    )


def _read_notes(segments: list[Segment]) -> tuple[str, ...]:
    return tuple(
        each.text() for segment in segments if segment.name == "NTE" for each in segment.repeats(3)
    )


def _read_codes(segment: Segment, field: int) -> tuple[Code, ...]:
    return tuple(map(_read_code, segment.repeats(field))) or (Code("", "", ""),)


def _read_code(value: Repetition) -> Code:
    return Code(value.text(1), value.text(2), value.text(3))


def _read_value(kind: str, value: Repetition) -> Value:
    """By OBX-2; what is no number, though it is announced as one, stays the text it is."""
    text = value.text()
    if kind == "NM" and _NUMBER.fullmatch(text):
        return Decimal(text)
    if kind == "SN":
        return StructuredNumber(
            value.text(1), _number(value.text(2)), value.text(3), _number(value.text(4))
        )
    if kind in _CODED:
        return _read_code(value)
    if kind in ("TS", "DTM", "DT"):
        return fhir_time(text) or text
    return text


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None
