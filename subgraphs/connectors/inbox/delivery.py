"""What one message or document brings, as FHIR resources made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from subgraphs.connectors.searched import Resource

PATIENT: Final = "Patient"
APPOINTMENT: Final = "Appointment"


@dataclass(frozen=True, slots=True)
class Version:
    """Which of several documents it is that take each other's place, with all that they tell."""

    series: tuple[str, ...]
    number: int
    written_at: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one message or document brings."""

    key: tuple[str, ...]
    """What makes it the same message again: its sender and its number."""
    resources: tuple[Resource, ...]
    retired: Mapping[str, str] = field(default_factory=dict)
    """Patients whose facts belong to another from now on, with that one's id."""
    version: Version | None = None
    """Of a document: what the former version told is gone, but for the patient."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What it tells and is not kept: how many of which kind."""


def patient_of(resource: Resource) -> str:
    """Of a resource made here: who it is, its subject or patient, or the first to take part."""
    if resource["resourceType"] == PATIENT:
        return str(resource["id"])
    actors = (each.get("actor", {}) for each in resource.get("participant", ()))
    references: Iterator[str] = (
        each.get("reference", "")
        for each in (resource.get("subject", {}), resource.get("patient", {}), *actors)
    )
    prefix = f"{PATIENT}/"
    return next(each.removeprefix(prefix) for each in references if each.startswith(prefix))


def identifiers_of(resource: Resource) -> Iterator[str]:
    """Of those who take part in an appointment, as a search by identifier means them."""
    for each in resource.get("participant", ()) if resource["resourceType"] == APPOINTMENT else ():
        number = each["actor"].get("identifier")
        if number:
            yield f"{number['system']}|{number['value']}"


def moved(resource: Any, patient: str, survivor: str) -> Any:
    """The resource with every reference to the patient turned to the survivor."""
    if isinstance(resource, dict):
        return {name: moved(value, patient, survivor) for name, value in resource.items()}
    if isinstance(resource, list):
        return [moved(each, patient, survivor) for each in resource]
    return f"{PATIENT}/{survivor}" if resource == f"{PATIENT}/{patient}" else resource
