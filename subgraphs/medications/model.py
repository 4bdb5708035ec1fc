"""US Core prescriptions and dispenses, as far as they are published.

https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medicationrequest.html,
https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-medicationdispense.html
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Element,
    Period,
    Quantity,
    Range,
    Reference,
    Referring,
    Resource,
)

ENTERED_IN_ERROR = "entered-in-error"
_ADHERENCE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-medication-adherence"


class Ingredient(Element, frozen=True):
    item_codeable_concept: CodeableConcept | None = None


class Medication(Element, frozen=True):
    """https://hl7.org/fhir/R4/medication.html: a product, of nobody in particular."""

    code: CodeableConcept | None = None
    ingredient: tuple[Ingredient, ...] = ()


class Repeat(Element, frozen=True):
    bounds_period: Period | None = None
    frequency: int | None = None
    period: Decimal | None = None
    period_unit: str | None = None


class Timing(Element, frozen=True):
    repeat: Repeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Element, frozen=True):
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None


class Dosage(Element, frozen=True):
    """https://hl7.org/fhir/R4/dosage.html"""

    text: str | None = None
    patient_instruction: str | None = None
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] = ()

    @property
    def as_needed(self) -> bool | None:
        return True if self.as_needed_codeable_concept else self.as_needed_boolean

    @property
    def dose(self) -> Quantity | None:
        return next((d.dose_quantity for d in self.dose_and_rate if d.dose_quantity), None)

    @property
    def dose_range(self) -> Range | None:
        return next((d.dose_range for d in self.dose_and_rate if d.dose_range), None)


class Supplied(Referring, frozen=True, kw_only=True):
    """What a prescription and a dispense have in common."""

    subject: Reference | None = None
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    medication_resource: Medication | None = None
    """What the reference leads to: put here by the source, which follows it."""
    dosage_instruction: tuple[Dosage, ...] = ()
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def medication(self) -> CodeableConcept | None:
        """The product, or at least its name."""
        told = self.medication_codeable_concept
        if told is None and self.medication_resource is not None:
            told = self.medication_resource.code
        if told is None and self.medication_reference is not None:
            name = self.medication_reference.display
            told = CodeableConcept(text=name) if name else None
        return told

    @property
    def ingredients(self) -> tuple[CodeableConcept, ...]:
        of = self.medication_resource.ingredient if self.medication_resource else ()
        return tuple(each.item_codeable_concept for each in of if each.item_codeable_concept)


class DispenseRequest(Element, frozen=True):
    number_of_repeats_allowed: int | None = None
    quantity: Quantity | None = None
    expected_supply_duration: Quantity | None = None


class Told(Element, frozen=True):
    """A part of an extension."""

    url: str | None = None
    value_codeable_concept: CodeableConcept | None = None


class Extension(Element, frozen=True):
    url: str | None = None
    extension: tuple[Told, ...] = ()


class MedicationRequest(Supplied, frozen=True, kw_only=True):
    extension: tuple[Extension, ...] = ()
    intent: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    encounter: Reference | None = None
    authored_on: str | None = None
    requester: Reference | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    dispense_request: DispenseRequest | None = None

    @property
    def reasons(self) -> tuple[CodeableConcept, ...]:
        """Those that are coded, and the names of those that are referred to."""
        named = (CodeableConcept(text=ref.display) for ref in self.reason_reference if ref.display)
        return (*self.reason_code, *named)

    @property
    def adherence(self) -> CodeableConcept | None:
        parts = (
            part for each in self.extension if each.url == _ADHERENCE for part in each.extension
        )
        return next(
            (p.value_codeable_concept for p in parts if p.url == "medicationAdherence"), None
        )

    @property
    def reported(self) -> bool | None:
        return True if self.reported_reference else self.reported_boolean


class Performer(Element, frozen=True):
    actor: Reference | None = None


class MedicationDispense(Supplied, frozen=True, kw_only=True):
    context: Reference | None = None
    type: CodeableConcept | None = None
    performer: tuple[Performer, ...] = ()
    authorizing_prescription: tuple[Reference, ...] = ()
    quantity: Quantity | None = None
    days_supply: Quantity | None = None
    when_prepared: str | None = None
    when_handed_over: str | None = None

    @property
    def supplied(self) -> str | None:
        return self.when_handed_over or self.when_prepared

    @property
    def prescriptions(self) -> frozenset[str]:
        """Ids of the same source's prescriptions that it was dispensed on."""
        ids = (each.id_of("MedicationRequest") for each in self.authorizing_prescription)
        return frozenset(id_ for id_ in ids if id_)


class RefillTask(Resource, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/task.html, about a prescription."""

    status: str | None = None
    code: CodeableConcept | None = None
    focus: Reference | None = None
    for_: Reference | None = msgspec.field(default=None, name="for")
    authored_on: str | None = None
    requester: Reference | None = None
    # `owner` is whose record it is, for every resource.
    performer: Reference | None = msgspec.field(default=None, name="owner")
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.for_

    @property
    def prescription(self) -> str | None:
        """The id of the prescription it is about; None for any other task."""
        return self.focus.id_of("MedicationRequest") if self.focus else None
