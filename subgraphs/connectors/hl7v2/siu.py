"""Appointments: SIU.

https://www.hl7.eu/HL7v2x/v251/std251/ch10.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.hl7v2.message import Message, Segment
from subgraphs.connectors.hl7v2.people import (
    PersonRecord,
    Practitioner,
    read_person,
    read_practitioner,
)
from subgraphs.connectors.hl7v2.times import fhir_time

STATUSES: Final = {
    "S12": "booked",
    "S13": "booked",
    "S14": "booked",
    "S15": "cancelled",
    "S16": "cancelled",
    "S17": "entered-in-error",
    "S26": "noshow",
}
"""FHIR's word for what an appointment is after each event; others change no appointment's status.
https://www.hl7.org/fhir/R4/valueset-appointmentstatus.html"""


@dataclass(frozen=True, slots=True)
class Booked:
    """A service, a place or a device that an appointment takes."""

    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """One SIU message."""

    event: str
    status: str
    placer: str
    filler: str
    """The filler's number, or the placer's where there is none, tells which appointment it is."""
    reason: str
    start: str | None
    end: str | None
    person: PersonRecord | None
    """A message about an appointment without a patient blocks time."""
    services: tuple[Booked, ...]
    locations: tuple[str, ...]
    practitioners: tuple[Practitioner, ...]
    notes: tuple[str, ...]


def read_appointment(message: Message) -> Appointment:
    """Raises `ProtocolViolation` without an SCH, and for events that are not known."""
    sch, pid = message.first("SCH"), message.first("PID")
    if sch is None:
        raise ProtocolViolation("the SIU message has no SCH")
    start, end = _period(message, sch)
    segments = message.segments
    return Appointment(
        event=message.event,
        status=STATUSES[message.event],
        placer=sch.text(1),
        filler=sch.text(2),
        reason=sch.text(7, 2) or sch.text(7),
        start=start,
        end=end,
        person=read_person(pid) if pid else None,
        services=tuple(Booked(s.text(3), s.text(3, 2)) for s in segments if s.name == "AIS"),
        locations=tuple(_read_location(s) for s in segments if s.name == "AIL"),
        practitioners=tuple(
            read_practitioner(each) for s in segments if s.name == "AIP" for each in s.repeats(3)
        ),
        notes=tuple(s.text(3) for s in segments if s.name == "NTE" and s.text(3)),
    )


def _period(message: Message, sch: Segment) -> tuple[str | None, str | None]:
    """TQ1, since 2.5; before it SCH-11; or else when the first service begins."""
    tq1, ais = message.first("TQ1"), message.first("AIS")
    told = [(tq1.text(7), tq1.text(8))] if tq1 else []
    told += [(sch.text(11, 4), sch.text(11, 5)), (ais.text(4) if ais else "", "")]
    periods = ((fhir_time(start), fhir_time(end)) for start, end in told)
    return next((period for period in periods if period[0]), (None, None))


def _read_location(ail: Segment) -> str:
    place = (ail.text(3, component) for component in (1, 2, 3))
    return " ".join(filter(None, place))
