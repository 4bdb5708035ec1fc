"""FHIR Appointment, as far as it is published. https://hl7.org/fhir/R4/appointment.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from subgraphs.runtime.fhir import CodeableConcept, Element, Reference, Resource

ENTERED_IN_ERROR: Final = "entered-in-error"
VIRTUAL_SERVICE: Final = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
)
"""R5's `virtualService` in R4: https://hl7.org/fhir/R5/appointment-definitions.html"""
SESSION_KEY: Final = "sessionKey"


class Extension(Element, frozen=True):
    url: str
    value_string: str | None = None
    extension: tuple[Extension, ...] = ()


class Participant(Element, frozen=True):
    type: tuple[CodeableConcept, ...] = ()
    actor: Reference | None = None
    status: str | None = None


class Appointment(Resource, frozen=True, kw_only=True):
    status: str | None = None
    cancelation_reason: CodeableConcept | None = None
    service_type: tuple[CodeableConcept, ...] = ()
    appointment_type: CodeableConcept | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    description: str | None = None
    start: str | None = None
    end: str | None = None
    minutes_duration: int | None = None
    patient_instruction: str | None = None
    participant: tuple[Participant, ...] = ()
    extension: tuple[Extension, ...] = ()

    @property
    def owner(self) -> Reference | None:
        """The first patient who takes part; a group's appointment has several."""
        return next((actor for actor in self.actors() if actor.id_of("Patient")), None)

    def is_of(self, patient: str) -> bool:
        return any(actor.id_of("Patient") == patient for actor in self.actors())

    def actors(self) -> Iterator[Reference]:
        return (p.actor for p in self.participant if p.actor is not None)

    @property
    def session_key(self) -> str | None:
        """The telehealth vendor's id of the visit, for an appointment by video."""
        parts = (p for e in self.extension if e.url == VIRTUAL_SERVICE for p in e.extension)
        return next((part.value_string for part in parts if part.url == SESSION_KEY), None)
