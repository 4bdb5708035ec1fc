"""Who a message is about, and the visit it belongs to: PID, MRG and PV1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from subgraphs.connectors.hl7v2.message import Repetition, Segment
from subgraphs.connectors.hl7v2.times import fhir_time

_NPI: Final = "NPI"


@dataclass(frozen=True, slots=True)
class Identifier:
    """CX: a number and who gave it."""

    value: str
    authority: str = ""
    """The assigning authority's name, or else its object identifier."""
    kind: str = ""
    """Table 0203: MR, SS, VN, AN, …; empty where the sender leaves it out."""


@dataclass(frozen=True, slots=True)
class Name:
    """XPN."""

    family: str
    given: str
    middle: str = ""
    suffix: str = ""
    use: str = ""
    """Table 0200: L legal, M maiden, D display, …"""


@dataclass(frozen=True, slots=True)
class Address:
    """XAD."""

    street: str
    other: str
    city: str
    state: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class PersonRecord:
    identifiers: tuple[Identifier, ...]
    names: tuple[Name, ...]
    birth_date: str | None
    """As precise as it was sent: `1961-06-15`, `1961`."""
    sex: str
    """Table 0001: F, M, O, U, A, N."""
    addresses: tuple[Address, ...]
    phones: tuple[str, ...]
    ssn: str
    account: Identifier | None
    is_deceased: bool


@dataclass(frozen=True, slots=True)
class Practitioner:
    id: str
    family: str
    given: str
    npi: str = ""
    """The id, where it says that it is a National Provider Identifier."""


@dataclass(frozen=True, slots=True)
class Visit:
    """PV1."""

    kind: str
    """Table 0004: I inpatient, O outpatient, E emergency, P preadmit, …"""
    number: Identifier | None
    location: str
    """Point of care, room and bed."""
    attending: Practitioner | None
    admitted: str | None
    discharged: str | None


def read_person(pid: Segment) -> PersonRecord:
    return PersonRecord(
        identifiers=tuple(map(read_identifier, pid.repeats(3))),
        names=tuple(map(_read_name, pid.repeats(5))),
        birth_date=_read_day(pid.text(7)),
        sex=pid.text(8),
        addresses=tuple(map(_read_address, pid.repeats(11))),
        phones=tuple(filter(None, map(_read_phone, (*pid.repeats(13), *pid.repeats(14))))),
        ssn=pid.text(19),
        account=_first_identifier(pid, 18),
        is_deceased=pid.text(30).upper() in {"Y", "YES"} or bool(pid.text(29)),
    )


def read_visit(pv1: Segment) -> Visit:
    attending = pv1.repeats(7)
    place = (pv1.text(3, component) for component in (1, 2, 3))
    return Visit(
        kind=pv1.text(2),
        number=_first_identifier(pv1, 19),
        location=" ".join(filter(None, place)),
        attending=read_practitioner(attending[0]) if attending else None,
        admitted=fhir_time(pv1.text(44)),
        discharged=fhir_time(pv1.text(45)),
    )


def read_practitioner(person: Repetition) -> Practitioner:
    """XCN; its number's kind is of table 0203, its authority often says the same."""
    is_npi = _NPI in (person.text(13).upper(), person.text(9).upper())
    id_ = person.text(1)
    return Practitioner(id_, person.text(2), person.text(3), id_ if is_npi else "")


def read_identifier(number: Repetition) -> Identifier:
    return Identifier(number.text(1), number.text(4) or number.text(4, 2), number.text(5))


def _first_identifier(segment: Segment, field: int) -> Identifier | None:
    repeats = segment.repeats(field)
    return read_identifier(repeats[0]) if repeats and repeats[0].text() else None


def _read_name(name: Repetition) -> Name:
    return Name(name.text(1), name.text(2), name.text(3), name.text(4), name.text(7))


def _read_address(address: Repetition) -> Address:
    return Address(*(address.text(component) for component in range(1, 7)))


def _read_phone(phone: Repetition) -> str:
    """The number as written, or else put together of its parts; mail addresses are none."""
    written = phone.text(12) or phone.text(1)
    return written or "".join(phone.text(component) for component in (5, 6, 7))


def _read_day(text: str) -> str | None:
    told = fhir_time(text)
    return told.partition("T")[0] if told else None
