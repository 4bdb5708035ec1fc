"""Observations and reports as published, and a patient's lists of them.

One file, because each fact names its patient and the patient lists each fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.loaders import Diagnostics, Question
from subgraphs.diagnostics.schema.asking import Analytes, Category, Codes, From, question_of
from subgraphs.diagnostics.schema.measured import MeasuredNode, ObservationComponent, measured
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.datatypes import CodeableConcept
from subgraphs.runtime.fact_nodes import (
    ENCOUNTER,
    FACT_ID,
    PATIENT,
    FactNode,
    PatientNode,
    common,
    list_facts,
    resolve_facts,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time, rank
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef


@federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)],
    description=ENCOUNTER,
)
class Encounter:
    id: strawberry.ID = strawberry.field(description=FACT_ID)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Observation"),
    description="A measurement or finding. https://hl7.org/fhir/R4/observation.html",
)
class Observation(FactNode, MeasuredNode):
    patient: Patient = strawberry.field(description="Whose it is.")
    status: str | None = strawberry.field(
        description="`registered`, `preliminary`, `final`, `amended`, `corrected`, …; "
        "http://hl7.org/fhir/observation-status"
    )
    category: list[CodeableConcept] = strawberry.field(
        description="http://terminology.hl7.org/CodeSystem/observation-category"
    )
    effective: DateTime | None = strawberry.field(
        description="The moment, or the beginning of the time, that it tells of."
    )
    issued: DateTime | None = strawberry.field(description="When this version was released.")
    encounter: Encounter | None = strawberry.field(description="The visit it was made in.")
    performers: list[str] = strawberry.field(
        description="Who is responsible, by name, as far as the source names them."
    )
    components: list[ObservationComponent] = strawberry.field(
        description="Its parts, where it has several values."
    )
    notes: list[str] = strawberry.field(description="Remarks.")

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.Observation]) -> Observation:
        record = fact.resource
        return cls(
            **common(fact),
            **measured(record),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            category=CodeableConcept.all_of(record.category),
            effective=date_time(record.effective),
            issued=date_time(record.issued),
            encounter=_encounter(request, fact),
            performers=[by.display for by in record.performer if by.display],
            components=[ObservationComponent.of(part) for part in record.component],
            notes=[note.text for note in record.note if note.text],
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        node = partial(cls.of, request)
        return await resolve_facts(
            request, kinds.OBSERVATIONS, loaders.load_observations, node, representations
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("DiagnosticReport"),
    description="A report of tests, images or other investigations. "
    "https://hl7.org/fhir/R4/diagnosticreport.html",
)
class DiagnosticReport(FactNode):
    patient: Patient = strawberry.field(description="Whose it is.")
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
    encounter: Encounter | None = strawberry.field(description="The visit it was ordered in.")
    performers: list[str] = strawberry.field(
        description="Who is responsible, by name, as far as the source names them."
    )
    conclusion: str | None = strawberry.field(description="The conclusion in words.")
    conclusion_codes: list[CodeableConcept] = strawberry.field(description="Coded conclusions.")
    fact: strawberry.Private[Fact[model.DiagnosticReport]]

    @federation.field(
        requires_scopes=scopes_for("Observation"),
        description="The observations it gathers, those the caller may see.",
    )
    async def results(self, info: strawberry.Info) -> list[Observation] | None:
        request: Request[Diagnostics] = info.context
        found = await loaders.load_observations(request, self.fact.compartment)
        (report, *_) = self.fact.records
        wanted = [ref.id_of("Observation") for ref in report.resource.result]
        refs = [RecordRef(report.source, "Observation", id_ or "", "") for id_ in wanted]
        rows = [fact for fact in found.rows if any(map(fact.holds, refs))]
        if refs and not rows:
            found.or_raise(report.source)
        return [Observation.of(request, fact) for fact in rows]

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.DiagnosticReport]) -> DiagnosticReport:
        record = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            category=CodeableConcept.all_of(record.category),
            code=CodeableConcept.of(record.code),
            effective=date_time(record.effective),
            issued=date_time(record.issued),
            encounter=_encounter(request, fact),
            performers=[by.display for by in record.performer if by.display],
            conclusion=record.conclusion,
            conclusion_codes=CodeableConcept.all_of(record.conclusion_code),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        node = partial(cls.of, request)
        return await resolve_facts(
            request, kinds.REPORTS, loaders.load_reports, node, representations
        )


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Observation"),
        description="Measurements and findings.",
    )
    async def observations(
        self,
        info: strawberry.Info,
        category: Category = None,
        codes: Codes = None,
        analytes: Analytes = None,
        from_: From = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Observation] | None:
        request: Request[Diagnostics] = info.context
        question = question_of(category, codes, analytes, latest=False)
        earliest = rank(from_)
        return await list_facts(
            request,
            self,
            partial(_load, question),
            partial(Observation.of, request),
            field="observations",
            first=first,
            after=after,
            keep=lambda observation: kinds.OBSERVATIONS.rank(observation) >= earliest,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Observation"),
        description="The newest observation of each code.",
    )
    async def latest_observations(
        self,
        info: strawberry.Info,
        category: Category = None,
        codes: Codes = None,
        analytes: Analytes = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Observation] | None:
        request: Request[Diagnostics] = info.context
        question = question_of(category, codes, analytes, latest=True)
        return await list_facts(
            request,
            self,
            partial(_load, question),
            partial(Observation.of, request),
            field="latestObservations",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("DiagnosticReport"),
        description="Reports of laboratories, imaging and others.",
    )
    async def diagnostic_reports(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[DiagnosticReport] | None:
        request: Request[Diagnostics] = info.context
        return await list_facts(
            request,
            self,
            loaders.load_reports,
            partial(DiagnosticReport.of, request),
            field="diagnosticReports",
            first=first,
            after=after,
        )


async def _load(
    question: Question, request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[model.Observation]]:
    return await loaders.load_observations(request, patient, question)


def _encounter(
    request: Request[Any], fact: Fact[model.Observation] | Fact[model.DiagnosticReport]
) -> Encounter | None:
    """The visit that the first record to name one names: ids are each source's own."""
    for record in fact.leading:
        reference = record.resource.encounter
        id_ = reference.id_of("Encounter") if reference else None
        if id_ is not None:
            ref = RecordRef(record.source, "Encounter", id_, record.patient)
            return Encounter(id=strawberry.ID(request.subgraph.ids.seal("records", ref)))
    return None
