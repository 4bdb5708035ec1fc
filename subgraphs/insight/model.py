"""What of an export is read, and what is kept of it: what a measure speaks of, and nothing else.

https://hl7.org/fhir/R4/resourcelist.html; only the elements that count are named, the rest is
skipped unread.
"""

from __future__ import annotations

from typing import Any

import msgspec

from subgraphs.runtime.fhir import CodeableConcept, Element, Id, Meta, Period, Quantity, Reference


class Patient(Element, frozen=True):
    id: Id
    meta: Meta = Meta()
    active: bool = True
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool = False
    deceased_date_time: str | None = None
    managing_organization: Reference | None = None


class Record(Element, frozen=True, kw_only=True):
    """What all have that tell of a patient."""

    id: Id
    meta: Meta = Meta()
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None


class Condition(Record, frozen=True, kw_only=True):
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    recorded_date: str | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None


class Component(Element, frozen=True, kw_only=True):
    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    data_absent_reason: CodeableConcept | None = None


class Observation(Record, frozen=True, kw_only=True):
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    data_absent_reason: CodeableConcept | None = None
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    component: tuple[Component, ...] = ()


class DiagnosticReport(Record, frozen=True, kw_only=True):
    effective_date_time: str | None = None
    effective_period: Period | None = None
    conclusion: str | None = None
    conclusion_code: tuple[CodeableConcept, ...] = ()


class Procedure(Record, frozen=True, kw_only=True):
    performed_date_time: str | None = None
    performed_period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] = ()


class Immunization(Record, frozen=True, kw_only=True):
    vaccine_code: CodeableConcept | None = None
    patient: Reference | None = None
    occurrence_date_time: str | None = None


class Member(msgspec.Struct, frozen=True):
    """A patient of a source, as far as that source tells: no name, no address, no number."""

    id: str
    updated: str
    is_active: bool
    sex: str | None
    born: str | None
    """As precise as it is known."""
    has_died: bool
    organization: str | None
    labels: tuple[str, ...]


class Fact(msgspec.Struct, frozen=True):
    """That a record says a concept; days in UTC, `value` in the concept's unit."""

    concept: str
    day: str | None
    until: str | None = None
    value: str | None = None
    has_value: bool = False


class Said(msgspec.Struct, frozen=True):
    """A record of a patient, as far as it counts."""

    type: str
    id: str
    patient: str
    facts: tuple[Fact, ...]
    subjects: tuple[str, ...]
    """What it is about, each as `system|code`: labels hold for all about the same."""
    mentions: tuple[str, ...]
    """What may be sensitive by itself."""
    moment: str
    source_labels: tuple[str, ...]


MODELS: dict[str, Any] = {
    each.__name__: each
    for each in (Patient, Condition, Observation, DiagnosticReport, Procedure, Immunization)
}
