"""US Core resources of the chart, as far as they are published.

https://hl7.org/fhir/us/core/STU8/profiles-and-extensions.html
"""

from __future__ import annotations

import msgspec

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Coding,
    Element,
    Period,
    Reference,
    Resource,
)

ENTERED_IN_ERROR = "entered-in-error"


class Participant(Element, frozen=True):
    type: tuple[CodeableConcept, ...] = ()
    individual: Reference | None = None


class EncounterLocation(Element, frozen=True):
    location: Reference | None = None


class Encounter(Resource, frozen=True, kw_only=True):
    subject: Reference | None = None
    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    type: tuple[CodeableConcept, ...] = ()
    participant: tuple[Participant, ...] = ()
    period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    location: tuple[EncounterLocation, ...] = ()
    service_provider: Reference | None = None

    @property
    def owner(self) -> Reference | None:
        return self.subject


class Condition(Resource, frozen=True, kw_only=True):
    subject: Reference | None = None
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    category: tuple[CodeableConcept, ...] = ()
    severity: CodeableConcept | None = None
    code: CodeableConcept | None = None
    encounter: Reference | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    recorded_date: str | None = None
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def onset(self) -> str | None:
        return self.onset_date_time or (self.onset_period.start if self.onset_period else None)

    @property
    def abatement(self) -> str | None:
        period = self.abatement_period
        return self.abatement_date_time or (period.end if period else None)


class Reaction(Element, frozen=True):
    manifestation: tuple[CodeableConcept, ...] = ()
    severity: str | None = None
    description: str | None = None


class AllergyIntolerance(Resource, frozen=True, kw_only=True):
    patient: Reference | None = None
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    type: str | None = None
    category: tuple[str | None, ...] = ()
    criticality: str | None = None
    code: CodeableConcept | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None
    last_occurrence: str | None = None
    reaction: tuple[Reaction, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.patient


class Procedure(Resource, frozen=True, kw_only=True):
    subject: Reference | None = None
    status: str | None = None
    category: CodeableConcept | None = None
    code: CodeableConcept | None = None
    encounter: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    body_site: tuple[CodeableConcept, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def performed(self) -> str | None:
        period = self.performed_period
        return self.performed_date_time or (period.start if period else None)


class Immunization(Resource, frozen=True, kw_only=True):
    patient: Reference | None = None
    status: str | None = None
    status_reason: CodeableConcept | None = None
    vaccine_code: CodeableConcept | None = None
    encounter: Reference | None = None
    occurrence_date_time: str | None = None
    occurrence_string: str | None = None
    primary_source: bool | None = None
    lot_number: str | None = None
    expiration_date: str | None = None
    site: CodeableConcept | None = None
    route: CodeableConcept | None = None

    @property
    def owner(self) -> Reference | None:
        return self.patient
