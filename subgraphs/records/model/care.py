"""What is intended for a patient, and what she carries."""

from __future__ import annotations

import msgspec

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Element,
    Narrative,
    Period,
    Quantity,
    Range,
    Reference,
    Referring,
)


class ActivityDetail(Element, frozen=True):
    code: CodeableConcept | None = None
    status: str | None = None
    description: str | None = None
    scheduled_period: Period | None = None


class Activity(Element, frozen=True):
    reference: Reference | None = None
    detail: ActivityDetail | None = None


class CarePlan(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-careplan.html"""

    text: Narrative | None = None
    subject: Reference | None = None
    status: str | None = None
    intent: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    title: str | None = None
    description: str | None = None
    encounter: Reference | None = None
    period: Period | None = None
    created: str | None = None
    author: Reference | None = None
    contributor: tuple[Reference, ...] = ()
    addresses: tuple[Reference, ...] = ()
    goal: tuple[Reference, ...] = ()
    activity: tuple[Activity, ...] = ()
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def began(self) -> str | None:
        return (self.period.start if self.period else None) or self.created


class Target(Element, frozen=True):
    measure: CodeableConcept | None = None
    detail_quantity: Quantity | None = None
    detail_range: Range | None = None
    detail_codeable_concept: CodeableConcept | None = None
    detail_string: str | None = None
    due_date: str | None = None


class Goal(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-goal.html"""

    subject: Reference | None = None
    lifecycle_status: str | None = None
    achievement_status: CodeableConcept | None = None
    category: tuple[CodeableConcept, ...] = ()
    priority: CodeableConcept | None = None
    description: CodeableConcept | None = None
    start_date: str | None = None
    target: tuple[Target, ...] = ()
    status_date: str | None = None
    expressed_by: Reference | None = None
    addresses: tuple[Reference, ...] = ()
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject


class UdiCarrier(Element, frozen=True):
    device_identifier: str | None = None
    carrier_hrf: str | None = msgspec.field(default=None, name="carrierHRF")


class DeviceName(Element, frozen=True):
    name: str | None = None


class Device(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-device.html"""

    patient: Reference | None = None
    status: str | None = None
    udi_carrier: tuple[UdiCarrier, ...] = ()
    distinct_identifier: str | None = None
    manufacturer: str | None = None
    manufacture_date: str | None = None
    expiration_date: str | None = None
    lot_number: str | None = None
    serial_number: str | None = None
    device_name: tuple[DeviceName, ...] = ()
    model_number: str | None = None
    type: CodeableConcept | None = None

    @property
    def owner(self) -> Reference | None:
        return self.patient
