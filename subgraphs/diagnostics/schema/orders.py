"""Orders, and what is taken from a patient to be examined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.schema import whose
from subgraphs.diagnostics.schema.elsewhere import (
    Condition,
    DocumentReference,
    in_records,
)
from subgraphs.diagnostics.schema.later import (
    EncounterOfFact,
    ObservationOfFact,
    PatientOfFact,
    ReportOfFact,
    SpecimenOfFact,
)
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Identifier, Period
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import SERVICE_REQUEST, common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Specimen"),
    description="Blood, urine, tissue or something else that is examined. "
    "https://hl7.org/fhir/R4/specimen.html",
)
class Specimen(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="From whom.")
    identifiers: list[Identifier] = strawberry.field(directives=[FEW], description="Numbers of it.")
    accession: Identifier | None = strawberry.field(
        description="The number the laboratory received it under."
    )
    status: str | None = strawberry.field(
        description="`available`, `unavailable` or `unsatisfactory`; "
        "http://hl7.org/fhir/specimen-status"
    )
    type: CodeableConcept | None = strawberry.field(description="What it is: SNOMED CT.")
    collected: DateTime | None = strawberry.field(description="When it was taken.")
    received: DateTime | None = strawberry.field(description="When the laboratory had it.")
    body_site: CodeableConcept | None = strawberry.field(description="Where it was taken.")
    method: CodeableConcept | None = strawberry.field(description="How it was taken.")
    condition: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="`HEM` hemolyzed, `CLOT` clotted, …: what was wrong with it."
    )
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.Specimen]) -> Specimen:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            identifiers=Identifier.all_of(record.identifier),
            accession=Identifier.of(record.accession_identifier),
            status=record.status,
            type=CodeableConcept.of(record.type),
            collected=date_time(record.collected),
            received=date_time(record.received_time),
            body_site=CodeableConcept.of(record.collection.body_site),
            method=CodeableConcept.of(record.collection.method),
            condition=CodeableConcept.all_of(record.condition),
            notes=[note.text for note in record.note if note.text],
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        facts = await loaders.specimens_by_id(request, [each.get("id") for each in representations])
        return [fact if isinstance(fact, Exception) else cls.of(request, fact) for fact in facts]


@federation.type(
    keys=["id"], requires_scopes=scopes_for("ServiceRequest"), description=SERVICE_REQUEST
)
class ServiceRequest(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="For whom.")
    identifiers: list[Identifier] = strawberry.field(directives=[FEW], description="Order numbers.")
    status: str | None = strawberry.field(
        description="`draft`, `active`, `on-hold`, `revoked`, `completed` or `unknown`; "
        "http://hl7.org/fhir/request-status"
    )
    intent: str | None = strawberry.field(
        description="`proposal`, `plan`, `directive`, `order`, …; http://hl7.org/fhir/request-intent"
    )
    priority: str | None = strawberry.field(
        description="`routine`, `urgent`, `asap` or `stat`; http://hl7.org/fhir/request-priority"
    )
    do_not_perform: bool | None = strawberry.field(
        description="True where it asks that something not be done."
    )
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="SNOMED CT `108252007` laboratory, `363679005` imaging, …, or of "
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-category",
    )
    code: CodeableConcept | None = strawberry.field(
        description="What is to be done: LOINC, SNOMED CT, CPT or HCPCS."
    )
    details: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="How it is to be done."
    )
    occurrence: DateTime | None = strawberry.field(
        description="When it is to be done, or from when."
    )
    occurrence_period: Period | None = strawberry.field(
        description="From when to when it is to be done, or holds."
    )
    authored_on: DateTime | None = strawberry.field(description="When it was signed.")
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it was ordered in.")
    requester: Party | None = strawberry.field(description="Who ordered it.")
    performers: list[Party] = strawberry.field(directives=[FEW], description="Who is to do it.")
    reason: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Why: coded, or the names of what is referred to."
    )
    reason_conditions: list[Condition] | None = strawberry.field(
        directives=[FEW], description="The problems it is for."
    )
    reason_documents: list[DocumentReference] | None = strawberry.field(
        directives=[FEW], description="The documents it is for, such as an advance directive."
    )
    body_site: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Where on the body."
    )
    patient_instruction: str | None = strawberry.field(description="In words for the patient.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Specimen"),
        description="What is to be examined, as far as the caller may see it.",
    )
    async def specimens(self, info: strawberry.Info) -> list[SpecimenOfFact] | None:
        return await whose.specimens_of(info, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Observation"),
        description="The results that say they answer it, those the caller may see.",
    )
    async def results(self, info: strawberry.Info) -> list[ObservationOfFact] | None:
        return await whose.results_of(info, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("DiagnosticReport"),
        description="The reports that say they answer it, those the caller may see.",
    )
    async def reports(self, info: strawberry.Info) -> list[ReportOfFact] | None:
        return await whose.reports_of(info, self.fact)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.ServiceRequest]) -> ServiceRequest:
        record = fact.resource
        names = (fhir.CodeableConcept(text=r.display) for r in record.reason_reference if r.display)
        conditions = in_records(request, fact, "Condition", _reasons)
        documents = in_records(request, fact, "DocumentReference", _reasons)
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            identifiers=Identifier.all_of(record.identifier),
            status=record.status,
            intent=record.intent,
            priority=record.priority,
            do_not_perform=record.do_not_perform,
            category=CodeableConcept.all_of(record.category),
            code=CodeableConcept.of(record.code),
            details=CodeableConcept.all_of(record.order_detail),
            occurrence=date_time(record.occurrence),
            occurrence_period=Period.of(record.occurrence_period),
            authored_on=date_time(record.authored_on),
            encounter=whose.encounter_of(request, fact),
            requester=party_of(fact, lambda o: o.requester),
            performers=parties_of(fact, lambda o: o.performer),
            reason=CodeableConcept.all_of((*record.reason_code, *names)),
            reason_conditions=[Condition(id=id_) for id_ in conditions],
            reason_documents=[DocumentReference(id=id_) for id_ in documents],
            body_site=CodeableConcept.all_of(record.body_site),
            patient_instruction=record.patient_instruction,
            notes=[note.text for note in record.note if note.text],
        )

    resolve_references = facts_by_id(kinds.ORDERS, loaders.load_orders)


def _reasons(order: model.ServiceRequest) -> Sequence[fhir.Reference]:
    return order.reason_reference
