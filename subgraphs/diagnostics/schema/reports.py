"""Reports as published."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.schema import whose
from subgraphs.diagnostics.schema.later import (
    EncounterOfFact,
    MediaOfFact,
    ObservationOfFact,
    OrderOfFact,
    PatientOfFact,
    SpecimenOfFact,
    StudyOfFact,
)
from subgraphs.runtime.attachments import Attachment
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Identifier
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("DiagnosticReport"),
    description="A report of tests, images or other investigations. "
    "https://hl7.org/fhir/R4/diagnosticreport.html",
)
class DiagnosticReport(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Whose it is.")
    status: str | None = strawberry.field(
        description="`registered`, `partial`, `preliminary`, `final`, `amended`, …; "
        "http://hl7.org/fhir/diagnostic-report-status"
    )
    category: list[CodeableConcept] = strawberry.field(
        description="`LAB`, `RAD`, …; http://terminology.hl7.org/CodeSystem/v2-0074"
    )
    code: CodeableConcept | None = strawberry.field(description="What was reported on: LOINC.")
    effective: DateTime | None = strawberry.field(description="The moment it tells of.")
    issued: DateTime | None = strawberry.field(description="When this version was released.")
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it was ordered in.")
    identifiers: list[Identifier] = strawberry.field(
        directives=[FEW], description="The laboratory's numbers of it."
    )
    performers: list[Party] = strawberry.field(
        directives=[FEW], description="Who is responsible for it."
    )
    results_interpreters: list[Party] = strawberry.field(
        directives=[FEW], description="Who drew the conclusions."
    )
    conclusion: str | None = strawberry.field(description="The conclusion in words.")
    conclusion_codes: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Coded conclusions."
    )
    presented_forms: list[Attachment] = strawberry.field(
        directives=[FEW], description="The whole report as it was issued: PDF, text, …"
    )

    @federation.field(
        requires_scopes=scopes_for("Observation"),
        description="The observations it gathers, those the caller may see.",
    )
    async def results(self, info: strawberry.Info) -> list[ObservationOfFact] | None:
        return await whose.observations_of(info, self.fact, lambda r: r.result)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("ServiceRequest"),
        description="The orders it answers, those the caller may see.",
    )
    async def orders(self, info: strawberry.Info) -> list[OrderOfFact] | None:
        return await whose.orders_of(info, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Specimen"),
        description="What was examined, as far as the caller may see it.",
    )
    async def specimens(self, info: strawberry.Info) -> list[SpecimenOfFact] | None:
        return await whose.specimens_of(info, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("ImagingStudy"),
        description="The images it is about, those the caller may see.",
    )
    async def imaging_studies(self, info: strawberry.Info) -> list[StudyOfFact] | None:
        return await whose.studies_of(info, self.fact, lambda r: r.imaging_study)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Media"),
        description="Key images and recordings, those the caller may see.",
    )
    async def media(self, info: strawberry.Info) -> list[MediaOfFact] | None:
        return await whose.media_of(info, self.fact)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.DiagnosticReport]) -> DiagnosticReport:
        record = fact.resource
        (leading, *_) = fact.leading
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            status=record.status,
            category=CodeableConcept.all_of(record.category),
            code=CodeableConcept.of(record.code),
            effective=date_time(record.effective),
            issued=date_time(record.issued),
            encounter=whose.encounter_of(request, fact),
            identifiers=Identifier.all_of(record.identifier),
            performers=parties_of(fact, lambda r: r.performer),
            results_interpreters=parties_of(fact, lambda r: r.results_interpreter),
            conclusion=record.conclusion,
            conclusion_codes=CodeableConcept.all_of(record.conclusion_code),
            presented_forms=[
                Attachment.of(form, leading.source, fact)
                for form in leading.resource.presented_form
            ],
        )

    resolve_references = facts_by_id(kinds.REPORTS, loaders.load_reports)
