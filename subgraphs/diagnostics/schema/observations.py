"""Observations as published."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.schema import whose
from subgraphs.diagnostics.schema.elsewhere import (
    DocumentReference,
    QuestionnaireResponse,
    in_records,
)
from subgraphs.diagnostics.schema.later import (
    EncounterOfFact,
    ObservationOfFact,
    OrderOfFact,
    PatientOfFact,
    SpecimenOfFact,
)
from subgraphs.diagnostics.schema.measured import MeasuredNode, ObservationComponent, measured
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Period
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Observation"),
    description="A measurement or finding. https://hl7.org/fhir/R4/observation.html",
)
class Observation(AuthoredNode, MeasuredNode):
    patient: PatientOfFact = strawberry.field(description="Whose it is.")
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
    effective_period: Period | None = strawberry.field(
        description="From when to when it tells of, where that is no moment."
    )
    issued: DateTime | None = strawberry.field(description="When this version was released.")
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it was made in.")
    performers: list[Party] = strawberry.field(
        directives=[FEW], description="Who is responsible for it."
    )
    components: list[ObservationComponent] = strawberry.field(
        directives=[FEW], description="Its parts, where it has several values."
    )
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")
    responses: list[QuestionnaireResponse] | None = strawberry.field(
        directives=[FEW], description="The filled forms it is derived from."
    )
    supporting_documents: list[DocumentReference] | None = strawberry.field(
        directives=[FEW], description="The documents it tells of, such as an advance directive."
    )

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("ServiceRequest"),
        description="The orders it was made on, those the caller may see.",
    )
    async def orders(self, info: strawberry.Info) -> list[OrderOfFact] | None:
        return await whose.orders_of(info, self.fact)

    @federation.field(
        requires_scopes=scopes_for("Specimen"),
        description="What it was measured in, if the caller may see it.",
    )
    async def specimen(self, info: strawberry.Info) -> SpecimenOfFact | None:
        return next(iter(await whose.specimens_of(info, self.fact)), None)

    @federation.field(
        directives=[FEW], description="The observations of a panel, those the caller may see."
    )
    async def members(self, info: strawberry.Info) -> list[ObservationOfFact] | None:
        return await whose.observations_of(info, self.fact, lambda o: o.has_member)

    @federation.field(
        directives=[FEW],
        description="The observations it is derived from, those the caller may see.",
    )
    async def derived_from(self, info: strawberry.Info) -> list[ObservationOfFact] | None:
        return await whose.observations_of(info, self.fact, lambda o: o.derived_from)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.Observation]) -> Observation:
        record = fact.resource
        return cls(
            **common(fact),
            **measured(record),
            patient=whose.patient_of(fact),
            status=record.status,
            category=CodeableConcept.all_of(record.category),
            effective=date_time(record.effective),
            effective_period=Period.of(record.effective_period),
            issued=date_time(record.issued),
            encounter=whose.encounter_of(request, fact),
            performers=parties_of(fact, lambda o: o.performer),
            components=[ObservationComponent.of(part) for part in record.component],
            notes=[note.text for note in record.note if note.text],
            responses=[
                QuestionnaireResponse(id=id_)
                for id_ in in_records(
                    request, fact, "QuestionnaireResponse", lambda o: o.derived_from
                )
            ],
            supporting_documents=[
                DocumentReference(id=id_)
                for id_ in in_records(request, fact, "DocumentReference", lambda o: o.supporting)
            ],
        )

    resolve_references = facts_by_id(kinds.OBSERVATIONS, loaders.load_observations)
