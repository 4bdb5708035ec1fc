"""Images, and where they can be had. https://hl7.org/fhir/R4/imagingstudy.html"""

from __future__ import annotations

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Coding,
    Element,
    Id,
    Identifier,
    Reference,
    Referring,
)

DICOM_UID = "urn:dicom:uid"


class Endpoint(Element, frozen=True, kw_only=True):
    """https://hl7.org/fhir/R4/endpoint.html: an address, of nobody in particular."""

    id: Id
    status: str | None = None
    connection_type: Coding | None = None
    address: str | None = None


class Instance(Element, frozen=True):
    uid: str | None = None
    sop_class: Coding | None = None
    number: int | None = None
    title: str | None = None


class Series(Element, frozen=True):
    uid: str | None = None
    number: int | None = None
    modality: Coding | None = None
    description: str | None = None
    number_of_instances: int | None = None
    endpoint: tuple[Reference, ...] = ()
    body_site: Coding | None = None
    started: str | None = None
    instance: tuple[Instance, ...] = ()


class ImagingStudy(Referring, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    status: str | None = None
    modality: tuple[Coding, ...] = ()
    subject: Reference | None = None
    encounter: Reference | None = None
    started: str | None = None
    based_on: tuple[Reference, ...] = ()
    endpoint: tuple[Reference, ...] = ()
    number_of_series: int | None = None
    number_of_instances: int | None = None
    procedure_code: tuple[CodeableConcept, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()
    description: str | None = None
    series: tuple[Series, ...] = ()
    endpoint_resource: tuple[Endpoint, ...] = ()
    """What its references lead to: put here by the source, which follows them."""

    @property
    def owner(self) -> Reference | None:
        return self.subject

    @property
    def study_uid(self) -> str | None:
        """Study Instance UID: `urn:oid:1.2.3` in FHIR, `1.2.3` in DICOM."""
        told = (each.value for each in self.identifier if each.system == DICOM_UID)
        return next((value.removeprefix("urn:oid:") for value in told if value), None)
