"""FHIR Patient, as far as identity reads it, and what the index knows of a person.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from subgraphs.connectors.errors import SourceState
from subgraphs.runtime import fhir
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.scalars import rank

SSN_SYSTEM = "http://hl7.org/fhir/sid/us-ssn"
# https://terminology.hl7.org/NamingSystem-ssn.html; a number of any other system may say by its
# type that it is one.
_SSN_SYSTEMS = frozenset({SSN_SYSTEM, "urn:oid:2.16.840.1.113883.4.1"})
_SSN_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203|SS"


class PatientResource(fhir.Resource, frozen=True, kw_only=True, omit_defaults=True):
    active: bool = True
    identifier: tuple[fhir.Identifier, ...] = ()
    name: tuple[fhir.HumanName, ...] = ()
    telecom: tuple[fhir.ContactPoint, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    address: tuple[fhir.Address, ...] = ()

    @property
    def owner(self) -> fhir.Reference:
        return fhir.Reference(reference=f"Patient/{self.id}")

    @property
    def ssn(self) -> str | None:
        values = (i.value for i in self.identifier if is_ssn(i))
        return next((value for value in values if value), None)

    @property
    def usual_name(self) -> fhir.HumanName | None:
        """The name to call the patient by: official or usual before old ones and nicknames.

        Of several for one use it is the one whose time has no end.
        """
        order = {"official": 0, "usual": 1, None: 2}

        def place(name: fhir.HumanName) -> tuple[int, bool]:
            ended = name.period is not None and name.period.end is not None
            return order.get(name.use, 3), ended

        return min(self.name, key=place, default=None)


class RelatedPersonResource(fhir.Resource, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/relatedperson.html"""

    active: bool | None = None
    patient: fhir.Reference | None = None
    relationship: tuple[fhir.CodeableConcept, ...] = ()
    name: tuple[fhir.HumanName, ...] = ()
    telecom: tuple[fhir.ContactPoint, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    address: tuple[fhir.Address, ...] = ()
    period: fhir.Period | None = None

    @property
    def owner(self) -> fhir.Reference | None:
        return self.patient


# An unreadable one of these costs the patient that element; of any other, the whole resource.
_DISPENSABLE = frozenset({"identifier", "name", "telecom", "address"})


def read_patient(resource: Mapping[str, Any]) -> PatientResource:
    """Raises `msgspec.ValidationError` where not even the essential can be read.

    Whoever is missing from the index has no record at all: a malformed address hides nobody.
    """
    try:
        return msgspec.convert(resource, PatientResource)
    except msgspec.ValidationError:
        sound = {k: v for k, v in resource.items() if k not in _DISPENSABLE or _is_sound(k, v)}
        return msgspec.convert(sound, PatientResource)


def _is_sound(element: str, value: object) -> bool:
    try:
        msgspec.convert({"id": "any", element: value}, PatientResource)
    except msgspec.ValidationError:
        return False
    return True


def is_ssn(identifier: fhir.Identifier) -> bool:
    codings = identifier.type.coding if identifier.type else ()
    return identifier.system in _SSN_SYSTEMS or any(c.token == _SSN_TYPE for c in codings)


@dataclass(frozen=True, slots=True)
class CrawlState:
    """How the last crawl of a source went, and when the last complete one ended."""

    source: str
    state: SourceState
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class IndexedPerson:
    """A person: every source's record of them, in order of source and id."""

    founder: Link
    """The member that gave the person its id, for good."""
    records: tuple[Record[PatientResource], ...]
    crawls: tuple[CrawlState, ...]
    merged: Mapping[Link, Link] = field(default_factory=dict)
    """Records retired in favour of others: still theirs, but no longer what is said of them."""
    version: str = ""
    """Changes with the set of records, and with any of them."""

    @property
    def links(self) -> tuple[Link, ...]:
        return tuple(Link(record.source, record.patient) for record in self.records)

    @property
    def current(self) -> tuple[Record[PatientResource], ...]:
        """The records not merged into others; all of them, if no source lists the others."""
        in_use = (r for r in self.records if Link(r.source, r.patient) not in self.merged)
        return tuple(in_use) or self.records

    @property
    def newest(self) -> PatientResource:
        """The record last changed at its source: its values are shown where one is asked for."""
        return max(
            (record.resource for record in self.current),
            key=lambda resource: rank(resource.meta.last_updated),
        )
