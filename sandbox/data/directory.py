"""The people and places of one health system: who practises where, and when they are free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.data.codes import (
    CARDIOLOGY,
    ENDOCRINOLOGY,
    FAMILY_MEDICINE,
    INTERNAL_MEDICINE,
    OFFICE_VISIT,
    PSYCHIATRY,
    VIDEO_VISIT,
)
from sandbox.data.shapes import (
    Coded,
    Reference,
    concept,
    hl7_concept,
    instant,
    npi,
    npi_identifier,
)
from sandbox.data.source import SourceBuilder

SLOT_LENGTH = timedelta(minutes=30)
SLOT_HOURS = (14, 15, 16, 17, 18, 19, 20, 21)  # in UTC: the working day of the Midwest
DAYS_AHEAD = 7
_SPECIALTIES = (FAMILY_MEDICINE, INTERNAL_MEDICINE, ENDOCRINOLOGY, CARDIOLOGY, PSYCHIATRY)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Someone who practises, whichever system writes them down."""

    given: str
    family: str
    serial: int
    """Of the National Provider Identifier."""
    specialty: Coded

    @property
    def npi(self) -> str:
        return npi(self.serial)


@dataclass(frozen=True, slots=True)
class Site:
    """An organization and the one place where it gives care."""

    title: str
    serial: int
    street: str
    city: str
    state: str
    zip: str
    phone: str
    latitude: str
    longitude: str

    @property
    def npi(self) -> str:
        return npi(self.serial)

    @property
    def address(self) -> dict[str, Any]:
        where = {"city": self.city, "state": self.state, "postalCode": self.zip, "country": "US"}
        return {"use": "work", "line": [self.street], **where}


def doctors(families: Sequence[str], first_serial: int) -> tuple[Doctor, ...]:
    return tuple(
        Doctor("ADEFGHJKLM"[n], family, first_serial + n, _SPECIALTIES[n % len(_SPECIALTIES)])
        for n, family in enumerate(families)
    )


@dataclass(frozen=True, slots=True)
class Practitioner:
    reference: Reference
    role: Reference
    schedule: Reference
    name: str
    specialty: Coded


@dataclass(frozen=True, slots=True)
class Directory:
    title: str
    organization: Reference
    location: Reference
    practitioners: tuple[Practitioner, ...]


def record_directory(
    source: SourceBuilder, site: Site, staff: Sequence[Doctor], today: datetime
) -> Directory:
    founded = today - timedelta(days=2000)
    organization = source.add(
        "Organization",
        ("main",),
        founded,
        active=True,
        name=site.title,
        identifier=[npi_identifier(site.npi)],
        type=[hl7_concept("organization-type", "prov", "Healthcare Provider")],
        telecom=[phone(site.phone)],
        address=[site.address],
    )
    location = source.add(
        "Location",
        ("clinic",),
        founded,
        status="active",
        name=f"{site.title} Clinic",
        telecom=[phone(site.phone)],
        address=site.address,
        position={"latitude": Decimal(site.latitude), "longitude": Decimal(site.longitude)},
        managingOrganization=organization,
    )
    practitioners = tuple(
        _practitioner(source, (organization, location), doctor, n, founded, today)
        for n, doctor in enumerate(staff)
    )
    return Directory(site.title, organization, location, practitioners)


def phone(number: str, use: str = "work") -> dict[str, str]:
    return {"system": "phone", "use": use, "value": number}


def record_practitioner(
    source: SourceBuilder, doctor: Doctor, key: tuple[object, ...], founded: datetime, number: str
) -> Reference:
    name = {"family": doctor.family, "given": [doctor.given], "prefix": ["Dr."]}
    return source.add(
        "Practitioner",
        key,
        founded,
        active=True,
        identifier=[npi_identifier(number)],
        name=[{"use": "official", **name}],
    )


def _practitioner(
    source: SourceBuilder,
    at: tuple[Reference, Reference],
    doctor: Doctor,
    number: int,
    founded: datetime,
    today: datetime,
) -> Practitioner:
    organization, location = at
    name = f"Dr. {doctor.given}. {doctor.family}"
    who = record_practitioner(source, doctor, (number,), founded, doctor.npi)
    role = source.add(
        "PractitionerRole",
        (number,),
        founded,
        active=True,
        practitioner=who,
        organization=organization,
        code=[hl7_concept("practitioner-role", "doctor", "Doctor")],
        specialty=[concept(doctor.specialty)],
        location=[location],
        telecom=[phone(f"{source.number(3, 'desk', number)}-555-01{10 + number}")],
    )
    schedule = source.add(
        "Schedule",
        (number,),
        founded,
        active=True,
        serviceType=[concept(OFFICE_VISIT), concept(VIDEO_VISIT)],
        specialty=[concept(doctor.specialty)],
        actor=[{**who, "display": name}, location],
        planningHorizon={
            "start": instant(today),
            "end": instant(today + timedelta(days=DAYS_AHEAD + 1)),
        },
    )
    return Practitioner(who, role, schedule, name, doctor.specialty)
