"""Photographs, recordings and single images. https://hl7.org/fhir/R4/media.html"""

from __future__ import annotations

from subgraphs.runtime.fhir import (
    Annotation,
    Attachment,
    CodeableConcept,
    Identifier,
    Period,
    Reference,
    Referring,
)


class Media(Referring, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    based_on: tuple[Reference, ...] = ()
    status: str | None = None
    type: CodeableConcept | None = None
    modality: CodeableConcept | None = None
    view: CodeableConcept | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    created_date_time: str | None = None
    created_period: Period | None = None
    issued: str | None = None
    operator: Reference | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    body_site: CodeableConcept | None = None
    content: Attachment | None = None
    note: tuple[Annotation, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def created(self) -> str | None:
        period = self.created_period
        return self.created_date_time or (period.start if period else None)
