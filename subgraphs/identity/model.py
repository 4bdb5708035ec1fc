"""FHIR Patient, as far as identity reads it, and what the index knows of a person.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from subgraphs.connectors.errors import SourceState
from subgraphs.runtime import fhir
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Record

SSN_SYSTEM = "http://hl7.org/fhir/sid/us-ssn"


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
        values = (i.value for i in self.identifier if i.system == SSN_SYSTEM)
        return next((value for value in values if value), None)

    @property
    def usual_name(self) -> fhir.HumanName | None:
        """The name to call the patient by: official or usual before old ones and nicknames."""
        order = {"official": 0, "usual": 1, None: 2}
        return min(self.name, key=lambda name: order.get(name.use, 3), default=None)


@dataclass(frozen=True, slots=True)
class Crawled:
    """The patients a source listed; one that could not be read is missing from them."""

    patients: Mapping[str, PatientResource]
    is_whole: bool = True


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

    @property
    def links(self) -> tuple[Link, ...]:
        return tuple(Link(record.source, record.patient) for record in self.records)

    @property
    def newest(self) -> PatientResource:
        """The record last changed at its source: its values are shown where one is asked for."""
        return max(
            (record.resource for record in self.records),
            key=lambda resource: resource.meta.last_updated or "",
        )
