"""What happened to a patient."""

from __future__ import annotations

import msgspec

from subgraphs.runtime.fhir import (
    CodeableConcept,
    Coding,
    Element,
    Identifier,
    Period,
    Reference,
    Referring,
)


class Participant(Element, frozen=True):
    type: tuple[CodeableConcept, ...] = ()
    period: Period | None = None
    individual: Reference | None = None


class EncounterLocation(Element, frozen=True):
    location: Reference | None = None


class Hospitalization(Element, frozen=True):
    admit_source: CodeableConcept | None = None
    discharge_disposition: CodeableConcept | None = None


class Encounter(Referring, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    subject: Reference | None = None
    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    type: tuple[CodeableConcept, ...] = ()
    participant: tuple[Participant, ...] = ()
    period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    hospitalization: Hospitalization | None = None
    location: tuple[EncounterLocation, ...] = ()
    service_provider: Reference | None = None

    @property
    def owner(self) -> Reference | None:
        return self.subject


class Performer(Element, frozen=True):
    function: CodeableConcept | None = None
    actor: Reference | None = None


class Procedure(Referring, frozen=True, kw_only=True):
    subject: Reference | None = None
    based_on: tuple[Reference, ...] = ()
    status: str | None = None
    category: CodeableConcept | None = None
    code: CodeableConcept | None = None
    encounter: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    performer: tuple[Performer, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    body_site: tuple[CodeableConcept, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def performed(self) -> str | None:
        period = self.performed_period
        return self.performed_date_time or (period.start if period else None)


class Immunization(Referring, frozen=True, kw_only=True):
    patient: Reference | None = None
    status: str | None = None
    status_reason: CodeableConcept | None = None
    vaccine_code: CodeableConcept | None = None
    encounter: Reference | None = None
    occurrence_date_time: str | None = None
    occurrence_string: str | None = None
    primary_source: bool | None = None
    location: Reference | None = None
    lot_number: str | None = None
    expiration_date: str | None = None
    site: CodeableConcept | None = None
    route: CodeableConcept | None = None
    performer: tuple[Performer, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.patient
