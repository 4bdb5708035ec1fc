"""Patients and encounters: PID and PV1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from subgraphs.connectors.hl7v2.adt import Admission, Change, Record
from subgraphs.connectors.hl7v2.fhir.elements import Namer, Resource, filled, reference
from subgraphs.connectors.hl7v2.people import (
    Address,
    Identifier,
    Name,
    PersonRecord,
    Practitioner,
    Visit,
)

_IDENTIFIER_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_NPI: Final = "http://hl7.org/fhir/sid/us-npi"
_SSN: Final = "http://hl7.org/fhir/sid/us-ssn"
_SEXES: Final = {"F": "female", "M": "male", "O": "other", "A": "other", "U": "unknown"}
_NAME_USES: Final = {"L": "official", "D": "usual", "M": "maiden", "N": "nickname", "B": "official"}
_CLASSES: Final = {"I": "IMP", "O": "AMB", "E": "EMER", "P": "PRENC", "R": "AMB", "B": "OBSENC"}
_CANCELLED: Final = frozenset({"A11"})
_DISCHARGED: Final = frozenset({"A03"})
_PLANNED: Final = frozenset({"A05", "A14"})


def admission_resources(admission: Admission, name: Namer) -> Iterator[Resource]:
    """Patients and encounters; whom a merge retires is named by `retired`."""
    for record in admission.records:
        patient = patient_resource(record.person, name, admission.recorded_at)
        if patient is None:
            continue
        yield patient
        for visit in record.visits:
            encounter = _encounter(admission, visit, patient["id"], name)
            if encounter is not None:
                yield encounter


def retired(record: Record, change: Change, name: Namer) -> Iterator[str]:
    """The ids of patients whose facts are this person's from now on."""
    if change not in (Change.MERGE_PERSONS, Change.RENUMBER):
        return
    survivor = person_id(record.person, name)
    numbers = (number for prior in record.priors for number in prior.identifiers if number.value)
    for id_ in (number_id(number, name) for number in numbers):
        if id_ != survivor:
            yield id_


def patient_resource(person: PersonRecord, name: Namer, seen_at: str | None) -> Resource | None:
    id_ = person_id(person, name)
    if id_ is None:
        return None
    identifiers = [_identifier(each) for each in person.identifiers if each.value]
    if person.ssn:
        identifiers.append({"system": _SSN, "value": person.ssn})
    return filled(
        resourceType="Patient",
        id=id_,
        meta=filled(lastUpdated=seen_at),
        active=True,
        identifier=identifiers,
        name=[_human_name(each) for each in person.names],
        gender=_SEXES.get(person.sex),
        birthDate=person.birth_date,
        deceasedBoolean=True if person.is_deceased else None,
        address=[_address(each) for each in person.addresses],
        telecom=[{"system": "phone", "value": each} for each in person.phones],
    )


def practitioner_reference(practitioner: Practitioner) -> Resource:
    """By the number that others know too, where there is one; else by name alone."""
    name = f"{practitioner.given} {practitioner.family}".strip()
    if not practitioner.npi:
        return filled(display=name)
    number = {"system": _NPI, "value": practitioner.npi}
    return filled(type="Practitioner", identifier=number, display=name)


def person_id(person: PersonRecord, name: Namer) -> str | None:
    """The id of the patient's resource: by the medical record number, or the first there is."""
    known = [each for each in person.identifiers if each.value]
    preferred = [each for each in known if each.kind in ("MR", "PI", "PT")]
    number = next(iter(preferred or known), None)
    return number_id(number, name) if number else None


def number_id(number: Identifier, name: Namer) -> str:
    return name("patient", number.authority, number.value)


def _encounter(admission: Admission, visit: Visit, patient: str, name: Namer) -> Resource | None:
    if visit.number is None:
        return None
    return filled(
        resourceType="Encounter",
        id=name("visit", visit.number.authority, visit.number.value),
        meta=filled(lastUpdated=admission.recorded_at),
        status=_visit_status(admission.event, visit),
        subject=reference("Patient", patient),
        **{"class": {"system": _ACT, "code": _CLASSES.get(visit.kind, "AMB")}},
        period=filled(start=visit.admitted, end=visit.discharged),
        participant=[{"individual": practitioner_reference(visit.attending)}]
        if visit.attending and visit.attending.family
        else None,
        location=[{"location": {"display": visit.location}}] if visit.location else None,
    )


def _visit_status(event: str, visit: Visit) -> str:
    if event in _CANCELLED:
        return "cancelled"
    if event in _PLANNED:
        return "planned"
    return "finished" if visit.discharged or event in _DISCHARGED else "in-progress"


def _identifier(number: Identifier) -> Resource:
    kind = {"coding": [{"system": _IDENTIFIER_TYPE, "code": number.kind}]} if number.kind else None
    system = _SSN if number.kind == "SS" else None
    assigner = {"display": number.authority} if number.authority else None
    return filled(type=kind, system=system, value=number.value, assigner=assigner)


def _human_name(name: Name) -> Resource:
    return filled(
        use=_NAME_USES.get(name.use),
        family=name.family,
        given=[each for each in (name.given, name.middle) if each],
        suffix=[name.suffix] if name.suffix else None,
    )


def _address(address: Address) -> Resource:
    return filled(
        line=[each for each in (address.street, address.other) if each],
        city=address.city,
        state=address.state,
        postalCode=address.postal_code,
        country=address.country,
    )
