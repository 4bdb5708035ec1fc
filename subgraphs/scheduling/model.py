"""FHIR Appointment, Slot and Schedule, as far as they are published.

https://hl7.org/fhir/R4/appointment.html, https://hl7.org/fhir/R4/slot.html,
https://hl7.org/fhir/R4/schedule.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from subgraphs.runtime.fhir import CodeableConcept, Coding, Element, Period, Reference, Resource
from subgraphs.runtime.npi import npi_of

ENTERED_IN_ERROR: Final = "entered-in-error"
AHEAD: Final = frozenset({"booked", "pending", "arrived", "checked-in"})
"""Statuses of an appointment that is to take place."""
FREE: Final = "free"
BUSY: Final = "busy"
VIRTUAL_SERVICE: Final = (
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
)
"""R5's `virtualService` in R4: https://hl7.org/fhir/R5/appointment-definitions.html"""
SESSION_KEY: Final = "sessionKey"
CHANNEL_TYPE: Final = "channelType"


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment, inclusive, to another, exclusive; both as `scalars.exact` writes them."""

    start: str
    end: str


class Extension(Element, frozen=True):
    url: str
    value_string: str | None = None
    value_coding: Coding | None = None
    extension: tuple[Extension, ...] = ()


class Participant(Element, frozen=True):
    type: tuple[CodeableConcept, ...] = ()
    actor: Reference | None = None
    required: str | None = None
    status: str | None = None
    period: Period | None = None


class Appointment(Resource, frozen=True, kw_only=True):
    status: str | None = None
    cancelation_reason: CodeableConcept | None = None
    service_category: tuple[CodeableConcept, ...] = ()
    service_type: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    appointment_type: CodeableConcept | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    priority: int | None = None
    description: str | None = None
    start: str | None = None
    end: str | None = None
    minutes_duration: int | None = None
    slot: tuple[Reference, ...] = ()
    created: str | None = None
    comment: str | None = None
    patient_instruction: str | None = None
    participant: tuple[Participant, ...] = ()
    extension: tuple[Extension, ...] = ()

    @property
    def owner(self) -> Reference | None:
        """The first patient who takes part; a group's appointment has several."""
        return next((actor for actor in self.actors() if actor.id_of("Patient")), None)

    def is_of(self, patient: str) -> bool:
        return any(actor.id_of("Patient") == patient for actor in self.actors())

    def is_with(self, practitioner: str) -> bool:
        return any(actor.id_of("Practitioner") == practitioner for actor in self.actors())

    def numbers(self) -> Iterator[str]:
        """The NPIs of who takes part, where they are named by one."""
        stated = (npi_of([actor.identifier]) for actor in self.actors() if actor.identifier)
        return (number for number in stated if number is not None)

    def actors(self) -> Iterator[Reference]:
        return (p.actor for p in self.participant if p.actor is not None)

    @property
    def reasons(self) -> tuple[CodeableConcept, ...]:
        """Those that are coded, and the names of those that are referred to."""
        named = (CodeableConcept(text=ref.display) for ref in self.reason_reference if ref.display)
        return (*self.reason_code, *named)

    @property
    def slots(self) -> tuple[str, ...]:
        """The ids of the slots it takes."""
        ids = (reference.id_of("Slot") for reference in self.slot)
        return tuple(id_ for id_ in ids if id_)

    @property
    def session_key(self) -> str | None:
        """The telehealth vendor's id of the visit, for an appointment by video."""
        parts = (part for part in self._virtual_service if part.url == SESSION_KEY)
        return next((part.value_string for part in parts), None)

    @property
    def channel(self) -> str | None:
        """What tells the vendor of it, as `system|code`."""
        parts = (part.value_coding for part in self._virtual_service if part.url == CHANNEL_TYPE)
        return next((coding.token for coding in parts if coding), None)

    @property
    def _virtual_service(self) -> Iterator[Extension]:
        return (p for e in self.extension if e.url == VIRTUAL_SERVICE for p in e.extension)


class Calendar(Resource, frozen=True, kw_only=True):
    """What a slot and a schedule both say of what they are for."""

    service_category: tuple[CodeableConcept, ...] = ()
    service_type: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()


class Schedule(Calendar, frozen=True, kw_only=True):
    active: bool | None = None
    actor: tuple[Reference, ...] = ()
    planning_horizon: Period | None = None

    def is_of(self, actor: str) -> bool:
        """Of this `Type/id`."""
        type_, _, id_ = actor.partition("/")
        return any(reference.id_of(type_) == id_ for reference in self.actor)


class Slot(Calendar, frozen=True, kw_only=True):
    schedule: Reference
    status: str
    start: str
    end: str
    appointment_type: CodeableConcept | None = None
    overbooked: bool | None = None

    @property
    def schedule_id(self) -> str | None:
        return self.schedule.id_of("Schedule")

    def is_in(self, schedule: str) -> bool:
        return self.schedule_id == schedule
