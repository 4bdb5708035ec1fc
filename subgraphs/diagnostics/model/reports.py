"""Reports, and the orders they answer.

https://hl7.org/fhir/R4/diagnosticreport.html, https://hl7.org/fhir/R4/servicerequest.html
"""

from __future__ import annotations

from subgraphs.runtime.fhir import (
    Annotation,
    Attachment,
    CodeableConcept,
    Element,
    Identifier,
    Period,
    Reference,
    Referring,
)


class ReportMedia(Element, frozen=True):
    link: Reference | None = None


class DiagnosticReport(Referring, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    based_on: tuple[Reference, ...] = ()
    subject: Reference | None = None
    status: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    code: CodeableConcept | None = None
    encounter: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] = ()
    results_interpreter: tuple[Reference, ...] = ()
    specimen: tuple[Reference, ...] = ()
    result: tuple[Reference, ...] = ()
    imaging_study: tuple[Reference, ...] = ()
    media: tuple[ReportMedia, ...] = ()
    conclusion: str | None = None
    conclusion_code: tuple[CodeableConcept, ...] = ()
    presented_form: tuple[Attachment, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def effective(self) -> str | None:
        period = self.effective_period
        return self.effective_date_time or (period.start if period else None)


class ServiceRequest(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-servicerequest.html"""

    identifier: tuple[Identifier, ...] = ()
    subject: Reference | None = None
    status: str | None = None
    intent: str | None = None
    priority: str | None = None
    do_not_perform: bool | None = None
    category: tuple[CodeableConcept, ...] = ()
    code: CodeableConcept | None = None
    order_detail: tuple[CodeableConcept, ...] = ()
    encounter: Reference | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    authored_on: str | None = None
    requester: Reference | None = None
    performer: tuple[Reference, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    specimen: tuple[Reference, ...] = ()
    body_site: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()
    patient_instruction: str | None = None

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def occurrence(self) -> str | None:
        period = self.occurrence_period
        return self.occurrence_date_time or (period.start if period else None)


class Collection(Element, frozen=True):
    collected_date_time: str | None = None
    collected_period: Period | None = None
    body_site: CodeableConcept | None = None
    method: CodeableConcept | None = None


class Specimen(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-specimen.html"""

    identifier: tuple[Identifier, ...] = ()
    accession_identifier: Identifier | None = None
    status: str | None = None
    type: CodeableConcept | None = None
    subject: Reference | None = None
    received_time: str | None = None
    collection: Collection = Collection()
    condition: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def collected(self) -> str | None:
        period = self.collection.collected_period
        return self.collection.collected_date_time or (period.start if period else None)
