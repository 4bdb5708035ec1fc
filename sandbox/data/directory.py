"""The people and places of one health system: who practises where, and when they are free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.data.codes import FAMILY_MEDICINE, OFFICE_VISIT, VIDEO_VISIT
from sandbox.data.shapes import Reference, concept, hl7_concept, instant, npi, npi_identifier
from sandbox.data.source import SourceBuilder

SLOT_LENGTH = timedelta(minutes=30)
SLOT_HOURS = (14, 15, 16, 17, 18, 19, 20, 21)  # in UTC: the working day of the Midwest
DAYS_AHEAD = 7


@dataclass(frozen=True, slots=True)
class Practitioner:
    reference: Reference
    schedule: Reference
    name: str


@dataclass(frozen=True, slots=True)
class Directory:
    organization: Reference
    location: Reference
    practitioners: tuple[Practitioner, ...]


def record_directory(
    source: SourceBuilder, title: str, families: tuple[str, ...], today: datetime, first_npi: int
) -> Directory:
    founded = today - timedelta(days=2000)
    organization = source.add(
        "Organization",
        ("main",),
        founded,
        active=True,
        name=title,
        identifier=[npi_identifier(npi(first_npi))],
        type=[hl7_concept("organization-type", "prov", "Healthcare Provider")],
    )
    location = source.add(
        "Location",
        ("clinic",),
        founded,
        status="active",
        name=f"{title} Clinic",
        managingOrganization=organization,
    )
    practitioners = tuple(
        _practitioner(
            source, (organization, location), family, n, founded, today, npi(first_npi + 1 + n)
        )
        for n, family in enumerate(families)
    )
    return Directory(organization, location, practitioners)


def _practitioner(
    source: SourceBuilder,
    at: tuple[Reference, Reference],
    family: str,
    number: int,
    founded: datetime,
    today: datetime,
    npi_number: str,
) -> Practitioner:
    organization, location = at
    given = "ADEFGHJKLM"[number]
    name = f"Dr. {given}. {family}"
    who = source.add(
        "Practitioner",
        (number,),
        founded,
        active=True,
        identifier=[npi_identifier(npi_number)],
        name=[{"use": "official", "family": family, "given": [given], "prefix": ["Dr."]}],
    )
    source.add(
        "PractitionerRole",
        (number,),
        founded,
        active=True,
        practitioner=who,
        organization=organization,
        specialty=[concept(FAMILY_MEDICINE)],
    )
    schedule = source.add(
        "Schedule",
        (number,),
        founded,
        active=True,
        serviceType=[concept(OFFICE_VISIT), concept(VIDEO_VISIT)],
        specialty=[concept(FAMILY_MEDICINE)],
        actor=[{**who, "display": name}, location],
        planningHorizon={
            "start": instant(today),
            "end": instant(today + timedelta(days=DAYS_AHEAD + 1)),
        },
    )
    return Practitioner(who, schedule, name)
