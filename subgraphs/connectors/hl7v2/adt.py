"""Admissions, discharges, transfers, and what becomes of records: ADT.

https://www.hl7.eu/HL7v2x/v251/std251/ch03.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.hl7v2.message import Message, Segment, split_at
from subgraphs.connectors.hl7v2.people import (
    Identifier,
    PersonRecord,
    Visit,
    read_identifier,
    read_person,
    read_visit,
)
from subgraphs.connectors.hl7v2.times import fhir_time


class Change(StrEnum):
    """What an event does to records, as far as the index of patients is concerned."""

    UPDATE = "update"
    """The person and the visit are as told now."""
    MERGE_PERSONS = "merge persons"
    """The prior number is no longer used: A40, and A34, A36, A39 of older versions."""
    MERGE_ACCOUNTS = "merge accounts"
    """A41, A35: another account of the same person."""
    MOVE_VISITS = "move visits"
    """A45, A44: visits or accounts that belong to this person from now on."""
    RENUMBER = "renumber"
    """A46, A47: the same person under a new number."""
    DELETE_PERSON = "delete person"
    """A29."""


CHANGES: Final = {
    **dict.fromkeys(("A34", "A36", "A39", "A40"), Change.MERGE_PERSONS),
    **dict.fromkeys(("A35", "A41"), Change.MERGE_ACCOUNTS),
    **dict.fromkeys(("A43", "A44", "A45"), Change.MOVE_VISITS),
    **dict.fromkeys(("A46", "A47"), Change.RENUMBER),
    "A29": Change.DELETE_PERSON,
}
"""Any other event is an update."""


@dataclass(frozen=True, slots=True)
class Prior:
    """MRG: the numbers that were used before."""

    identifiers: tuple[Identifier, ...]
    account: Identifier | None
    visit: Identifier | None


@dataclass(frozen=True, slots=True)
class Record:
    """One person of a message, with what it says of their visits and former numbers."""

    person: PersonRecord
    visits: tuple[Visit, ...]
    priors: tuple[Prior, ...]


@dataclass(frozen=True, slots=True)
class Admission:
    """One ADT message."""

    event: str
    change: Change
    recorded_at: str | None
    """EVN-2, or else MSH-7. The later one holds, whichever comes first."""
    records: tuple[Record, ...]


def read_admission(message: Message) -> Admission:
    """Raises `ProtocolViolation` where the message is about nobody."""
    _, *people = split_at(message.segments, "PID")
    if not people:
        raise ProtocolViolation("the ADT message is about nobody: it has no PID")
    event = message.first("EVN")
    recorded_at = fhir_time(event.text(2)) if event else None
    return Admission(
        event=message.event,
        change=CHANGES.get(message.event, Change.UPDATE),
        recorded_at=recorded_at or fhir_time(message.sent_at),
        records=tuple(map(_read_record, people)),
    )


def _read_record(segments: list[Segment]) -> Record:
    return Record(
        person=read_person(segments[0]),
        visits=tuple(read_visit(each) for each in segments if each.name == "PV1"),
        priors=tuple(_read_prior(each) for each in segments if each.name == "MRG"),
    )


def _read_prior(mrg: Segment) -> Prior:
    numbers = (tuple(map(read_identifier, mrg.repeats(field))) for field in (1, 3, 5))
    identifiers, accounts, visits = numbers
    return Prior(identifiers, next(iter(accounts), None), next(iter(visits), None))
