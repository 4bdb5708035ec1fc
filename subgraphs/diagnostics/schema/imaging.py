"""Images as published, and the addresses a viewer can have them from."""

from __future__ import annotations

from typing import Any, Final

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.model.dicomweb import wado_url
from subgraphs.diagnostics.schema import whose
from subgraphs.diagnostics.schema.later import (
    EncounterOfFact,
    OrderOfFact,
    PatientOfFact,
)
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Coding, Identifier
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for

WADO_URL: Final = (
    "Where a DICOMweb viewer that has an account of its own there gets it from (WADO-RS); null "
    "where its source names no such place. It holds no token of anybody's. "
    "https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4"
)


@strawberry.type(description="One image, or another object of a series.")
class ImagingInstance:
    uid: str | None = strawberry.field(description="SOP Instance UID.")
    number: int | None = strawberry.field(description="Its place in the series.")
    sop_class: Coding | None = strawberry.field(description="What kind of object: DICOM.")
    title: str | None = strawberry.field(description="What it is.")
    wado_url: str | None = strawberry.field(description=WADO_URL)


@strawberry.type(description="Images taken in one go, by one machine.")
class ImagingSeries:
    uid: str | None = strawberry.field(description="Series Instance UID.")
    number: int | None = strawberry.field(description="Its place in the study.")
    modality: Coding | None = strawberry.field(description="`DX`, `CT`, `MR`, `US`, …: DICOM.")
    description: str | None = strawberry.field(description="What it shows.")
    body_site: Coding | None = strawberry.field(description="Where on the body.")
    started: DateTime | None = strawberry.field(description="When it was taken.")
    number_of_instances: int | None = strawberry.field(description="How many objects it has.")
    instances: list[ImagingInstance] = strawberry.field(
        description="Those of its objects that its source lists."
    )
    wado_url: str | None = strawberry.field(description=WADO_URL)

    @classmethod
    def of(cls, study: model.ImagingStudy, wire: model.Series) -> ImagingSeries:
        return cls(
            uid=wire.uid,
            number=wire.number,
            modality=Coding.of(wire.modality) if wire.modality else None,
            description=wire.description,
            body_site=Coding.of(wire.body_site) if wire.body_site else None,
            started=date_time(wire.started),
            number_of_instances=wire.number_of_instances,
            instances=[
                ImagingInstance(
                    uid=each.uid,
                    number=each.number,
                    sop_class=Coding.of(each.sop_class) if each.sop_class else None,
                    title=each.title,
                    wado_url=wado_url(study, wire, each),
                )
                for each in wire.instance
            ],
            wado_url=wado_url(study, wire),
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("ImagingStudy"),
    description="Images taken for one purpose. https://hl7.org/fhir/R4/imagingstudy.html",
)
class ImagingStudy(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Of whom.")
    uid: str | None = strawberry.field(description="Study Instance UID.")
    identifiers: list[Identifier] = strawberry.field(
        directives=[FEW], description="Accession and other numbers."
    )
    status: str | None = strawberry.field(
        description="`registered`, `available`, `cancelled` or `unknown`; "
        "http://hl7.org/fhir/imagingstudy-status"
    )
    started: DateTime | None = strawberry.field(description="When it began.")
    modalities: list[Coding] = strawberry.field(
        directives=[FEW],
        description="`DX`, `CT`, `MR`, `US`, …; http://dicom.nema.org/resources/ontology/DCM",
    )
    description: str | None = strawberry.field(description="What it shows.")
    procedure: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What was done."
    )
    reason: list[CodeableConcept] = strawberry.field(directives=[FEW], description="Why.")
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it belongs to.")
    number_of_series: int | None = strawberry.field(description="How many series it has.")
    number_of_instances: int | None = strawberry.field(description="How many objects it has.")
    series: list[ImagingSeries] = strawberry.field(
        directives=[FEW], description="Those of its series that its source lists."
    )
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")
    wado_url: str | None = strawberry.field(description=WADO_URL)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("ServiceRequest"),
        description="The orders it was made on, those the caller may see.",
    )
    async def orders(self, info: strawberry.Info) -> list[OrderOfFact] | None:
        return await whose.orders_of(info, self.fact)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.ImagingStudy]) -> ImagingStudy:
        # One record's images whole: an endpoint is the source's own.
        record = fact.leading[0].resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            uid=record.study_uid,
            identifiers=Identifier.all_of(
                each for each in record.identifier if each.system != model.DICOM_UID
            ),
            status=record.status,
            started=date_time(record.started),
            modalities=[Coding.of(coding) for coding in record.modality],
            description=record.description,
            procedure=CodeableConcept.all_of(record.procedure_code),
            reason=CodeableConcept.all_of(record.reason_code),
            encounter=whose.encounter_of(request, fact),
            number_of_series=record.number_of_series,
            number_of_instances=record.number_of_instances,
            series=[ImagingSeries.of(record, each) for each in record.series],
            notes=[note.text for note in record.note if note.text],
            wado_url=wado_url(record),
        )

    resolve_references = facts_by_id(kinds.STUDIES, loaders.load_studies)
