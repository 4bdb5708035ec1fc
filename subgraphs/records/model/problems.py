"""What a patient has."""

from __future__ import annotations

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Element,
    Extension,
    Period,
    Reference,
    Referring,
)

# https://hl7.org/fhir/R4/extension-condition-asserteddate.html
_ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


class Condition(Referring, frozen=True, kw_only=True):
    extension: tuple[Extension, ...] = ()
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
    recorder: Reference | None = None
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def asserted(self) -> str | None:
        said = (each.value_date_time for each in self.extension if each.url == _ASSERTED)
        return next(said, None)

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


class AllergyIntolerance(Referring, frozen=True, kw_only=True):
    patient: Reference | None = None
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    type: str | None = None
    category: tuple[str | None, ...] = ()
    criticality: str | None = None
    code: CodeableConcept | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None
    recorder: Reference | None = None
    last_occurrence: str | None = None
    reaction: tuple[Reaction, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.patient
