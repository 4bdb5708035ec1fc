"""Measurements and findings. https://hl7.org/fhir/R4/observation.html"""

from __future__ import annotations

from typing import Any

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Element,
    Extension,
    Id,
    Identifier,
    Meta,
    Period,
    ProvenanceRecord,
    Quantity,
    Range,
    Ratio,
    Reference,
)

# https://hl7.org/fhir/R4/extension-observation-replaces.html
_REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"
# https://hl7.org/fhir/R4/extension-workflow-supportinginfo.html
_SUPPORTING = "http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo"


class ReferenceRange(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    text: str | None = None


class Measured(Element, frozen=True, kw_only=True):
    """What an observation and each of its components have in common."""

    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_time: str | None = None
    value_date_time: str | None = None
    value_period: Period | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] = ()
    reference_range: tuple[ReferenceRange, ...] = ()

    @property
    def values(self) -> tuple[object, ...]:
        """Everything that must agree for two measurements to be the same."""
        return (
            self.value_quantity,
            self.value_codeable_concept,
            self.value_string,
            self.value_boolean,
            self.value_integer,
            self.value_range,
            self.value_ratio,
            self.value_time,
            self.value_date_time,
            self.value_period,
        )


class Component(Measured, frozen=True, kw_only=True):
    """A part of an observation that only makes sense with the others: systolic and diastolic."""


class Observation(Measured, frozen=True, kw_only=True):
    id: Id
    meta: Meta = Meta()
    contained: Any = ()
    provenance_resource: tuple[ProvenanceRecord, ...] = ()
    extension: tuple[Extension, ...] = ()
    identifier: tuple[Identifier, ...] = ()
    based_on: tuple[Reference, ...] = ()
    subject: Reference | None = None
    status: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    encounter: Reference | None = None
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    note: tuple[Annotation, ...] = ()
    specimen: Reference | None = None
    has_member: tuple[Reference, ...] = ()
    derived_from: tuple[Reference, ...] = ()
    component: tuple[Component, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def replaces(self) -> frozenset[str]:
        """Ids of observations it revises."""
        given = (e.value_reference for e in self.extension if e.url == _REPLACES)
        ids = (reference.id_of("Observation") for reference in given if reference)
        return frozenset(id_ for id_ in ids if id_)

    @property
    def supporting(self) -> tuple[Reference, ...]:
        """What bears out what it says, such as the directive it tells of."""
        given = (e.value_reference for e in self.extension if e.url == _SUPPORTING)
        return tuple(reference for reference in given if reference)

    @property
    def effective(self) -> str | None:
        period = self.effective_period
        moment = self.effective_date_time or self.effective_instant
        return moment or (period.start if period else None)
