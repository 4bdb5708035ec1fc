"""US Core and Plan-Net resources of a directory, as far as they are published.

https://hl7.org/fhir/us/core/STU8/profiles-and-extensions.html,
https://hl7.org/fhir/us/davinci-pdex-plan-net/
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from subgraphs.runtime.fhir import (
    Address,
    CodeableConcept,
    ContactPoint,
    Element,
    HumanName,
    Identifier,
    Period,
    Reference,
    Referring,
)
from subgraphs.runtime.npi import npi_of

_PLAN_NET: Final = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"


class Shared(Referring, frozen=True, kw_only=True):
    """A resource that belongs to no patient."""

    identifier: tuple[Identifier, ...] = ()
    active: bool | None = None

    @property
    def owner(self) -> Reference | None:
        return None

    @property
    def npi(self) -> str | None:
        return npi_of(self.identifier)

    @property
    def known_as(self) -> str | None:
        """What two records of one must agree on within a source."""
        return None


class Qualification(Element, frozen=True):
    code: CodeableConcept | None = None
    period: Period | None = None


class Practitioner(Shared, frozen=True, kw_only=True):
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    gender: str | None = None
    qualification: tuple[Qualification, ...] = ()
    communication: tuple[CodeableConcept, ...] = ()

    @property
    def known_as(self) -> str | None:
        name = self.usual_name
        return (name.family or name.full) if name else None

    @property
    def usual_name(self) -> HumanName | None:
        """The official or usual one before others; of several, one whose time has no end."""
        order = {"official": 0, "usual": 1, None: 2}

        def place(name: HumanName) -> tuple[int, bool]:
            return order.get(name.use, 3), bool(name.period and name.period.end)

        return min(self.name, key=place, default=None)


class Extension(Element, frozen=True):
    url: str = ""
    value_codeable_concept: CodeableConcept | None = None
    value_reference: Reference | None = None
    extension: tuple[Extension, ...] = ()


class PractitionerRole(Shared, frozen=True, kw_only=True):
    period: Period | None = None
    practitioner: Reference | None = None
    organization: Reference | None = None
    code: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    location: tuple[Reference, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    extension: tuple[Extension, ...] = ()

    @property
    def accepting_patients(self) -> str | None:
        """`newpt`, `nopt`, `existptonly` or `existptfam`, where a payer's directory tells.

        https://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition-newpatients.html
        """
        parts = (
            part.value_codeable_concept
            for each in self.extension
            if each.url == f"{_PLAN_NET}newpatients"
            for part in each.extension
            if part.url == "acceptingPatients"
        )
        return next((concept.code for concept in parts if concept and concept.code), None)


class Organization(Shared, frozen=True, kw_only=True):
    name: str | None = None
    alias: tuple[str | None, ...] = ()
    type: tuple[CodeableConcept, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    part_of: Reference | None = None

    @property
    def known_as(self) -> str | None:
        return self.name


class Position(Element, frozen=True):
    """https://hl7.org/fhir/R4/location.html: WGS84, in degrees."""

    latitude: Decimal | None = None
    longitude: Decimal | None = None


class Location(Shared, frozen=True, kw_only=True):
    status: str | None = None
    name: str | None = None
    description: str | None = None
    type: tuple[CodeableConcept, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: Address | None = None
    position: Position | None = None
    managing_organization: Reference | None = None


class PatientsProviders(Referring, frozen=True, kw_only=True):
    """A Patient, as far as it says who is responsible for her care."""

    general_practitioner: tuple[Reference, ...] = ()

    @property
    def owner(self) -> Reference:
        return Reference(reference=f"Patient/{self.id}")


class CareTeamMember(Element, frozen=True):
    role: tuple[CodeableConcept, ...] = ()
    member: Reference | None = None
    on_behalf_of: Reference | None = None
    period: Period | None = None


class CareTeam(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/careteam.html"""

    subject: Reference | None = None
    status: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    name: str | None = None
    period: Period | None = None
    participant: tuple[CareTeamMember, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    managing_organization: tuple[Reference, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject
