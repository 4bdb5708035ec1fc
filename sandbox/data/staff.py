"""Who practises at the two EHRs' houses, one of them at both; and the payer's directory of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sandbox.data.codes import CARDIOLOGY
from sandbox.data.directory import Doctor, Site, doctors, phone, record_practitioner
from sandbox.data.shapes import Reference, concept, hl7_concept, npi_identifier
from sandbox.data.source import SourceBuilder

SITES: Mapping[str, Site] = {
    "ehr-a": Site(
        "Lakeside General", 100, "400 Harbor Road", "Springfield", "IL", "62701", "217-555-0100",
        "39.8017", "-89.6436",
    ),
    "ehr-b": Site(
        "Northfield Clinic", 200, "12 Quarry Lane", "Dayton", "OH", "45402", "937-555-0100",
        "39.7589", "-84.1916",
    ),
}  # fmt: skip
_OWN = {
    "ehr-a": doctors(("Abernathy", "Bancroft", "Calloway", "Delacroix", "Eastwick"), 101),
    "ehr-b": doctors(("Farrow", "Grantham", "Hathersage", "Inglewood"), 201),
}
_AT_BOTH = replace(_OWN["ehr-a"][4], given="Gwendolyn")
"""As EHR-B writes her, whom EHR-A knows by an initial: the number alone tells that she is one."""
STAFF: Mapping[str, tuple[Doctor, ...]] = {
    "ehr-a": _OWN["ehr-a"],
    "ehr-b": (*_OWN["ehr-b"], _AT_BOTH),
}


def record_network(
    payer: SourceBuilder, providers: Mapping[str, Reference], today: datetime
) -> None:
    """The payer's directory of its network, in the shapes of Da Vinci's Plan-Net.

    It knows both houses' doctors by their numbers, one of them by a number with a slip of the pen,
    and one in a practice of her own whom no EHR knows.
    http://hl7.org/fhir/us/davinci-pdex-plan-net
    """
    founded = today - timedelta(days=400)
    known: set[str] = set()
    for house, staff in STAFF.items():
        place = _place(payer, SITES[house], providers[house], founded)
        for doctor in staff:
            if doctor.npi in known:
                continue
            known.add(doctor.npi)
            number = doctor.npi if doctor.family != _MISWRITTEN else _slipped(doctor.npi)
            _in_network(payer, doctor, number, providers[house], place, founded)
    practice = payer.add(
        "Organization",
        ("provider", _PRACTICE.title),
        founded,
        active=True,
        name=_PRACTICE.title,
        identifier=[npi_identifier(_PRACTICE.npi)],
        type=[hl7_concept("organization-type", "prov", "Healthcare Provider")],
    )
    place = _place(payer, _PRACTICE, practice, founded)
    _in_network(payer, _ALONE, _ALONE.npi, practice, place, founded)


def _place(
    payer: SourceBuilder, site: Site, organization: Reference, founded: datetime
) -> Reference:
    return payer.add(
        "Location",
        ("network", site.title),
        founded,
        status="active",
        name=site.title,
        telecom=[phone(site.phone)],
        address=site.address,
        managingOrganization=organization,
    )


def _in_network(
    payer: SourceBuilder,
    doctor: Doctor,
    number: str,
    organization: Reference,
    place: Reference,
    founded: datetime,
) -> None:
    who = record_practitioner(payer, doctor, ("network", doctor.serial), founded, number)
    code = "newpt" if doctor.serial % 3 else "existptonly"
    accepting = {"coding": [{"system": _ACCEPTING_SYSTEM, "code": code}]}
    payer.add(
        "PractitionerRole",
        ("network", doctor.serial),
        founded,
        active=True,
        practitioner=who,
        organization=organization,
        code=[hl7_concept("practitioner-role", "doctor", "Doctor")],
        specialty=[concept(doctor.specialty)],
        location=[place],
        extension=[
            {
                "url": f"{_PLAN_NET}/StructureDefinition/newpatients",
                "extension": [{"url": "acceptingPatients", "valueCodeableConcept": accepting}],
            }
        ],
    )


def _slipped(number: str) -> str:
    """The same number with two digits changed about, which its check digit catches."""
    return number[:7] + number[8] + number[7] + number[9]


_PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net"
_ACCEPTING_SYSTEM = f"{_PLAN_NET}/CodeSystem/AcceptingPatientsCS"
_MISWRITTEN = "Inglewood"
_PRACTICE = Site(
    "Kestrel Heart Practice", 300, "8 Mill Street", "Springfield", "IL", "62704", "217-555-0180",
    "39.7817", "-89.6501",
)  # fmt: skip
_ALONE = Doctor("Josephine", "Kestrel", 301, CARDIOLOGY)
