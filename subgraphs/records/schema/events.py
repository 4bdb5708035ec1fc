"""What happened to a patient: visits, procedures, vaccinations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema.whose import PatientOfFact, patient_of
from subgraphs.runtime.datatypes import CodeableConcept, Coding, Period, date
from subgraphs.runtime.fact_nodes import (
    ENCOUNTER,
    FactNode,
    common,
    resolve_facts,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Encounter"),
    description=ENCOUNTER,
)
class Encounter(FactNode):
    patient: PatientOfFact = strawberry.field(description="Who was seen.")
    status: str | None = strawberry.field(
        description="`planned`, `arrived`, `in-progress`, `finished`, `cancelled`, …; "
        "http://hl7.org/fhir/encounter-status"
    )
    encounter_class: Coding | None = strawberry.field(
        description="`AMB` ambulatory, `IMP` inpatient, `EMER` emergency, `VR` virtual; "
        "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    )
    type: list[CodeableConcept] = strawberry.field(description="What kind of visit, in detail.")
    period: Period | None = strawberry.field(description="From when to when.")
    reason: list[CodeableConcept] = strawberry.field(description="Why the patient came.")
    participants: list[str] = strawberry.field(
        description="Who took part, by name, as far as the source names them."
    )
    location: str | None = strawberry.field(description="Where, as far as the source names it.")
    service_provider: str | None = strawberry.field(
        description="The organization responsible, as far as the source names it."
    )

    @classmethod
    def of(cls, fact: Fact[model.Encounter]) -> Encounter:
        record = fact.resource
        people = (p.individual.display for p in record.participant if p.individual)
        places = (at.location.display for at in record.location if at.location)
        return cls(
            **common(fact),
            patient=patient_of(fact),
            status=record.status,
            encounter_class=Coding.of(record.class_) if record.class_ else None,
            type=CodeableConcept.all_of(record.type),
            period=Period.of(record.period),
            reason=CodeableConcept.all_of(record.reason_code),
            participants=[name for name in people if name],
            location=next((place for place in places if place), None),
            service_provider=record.service_provider.display if record.service_provider else None,
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, kinds.ENCOUNTERS, loaders.load_encounters, cls.of, representations
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Procedure"),
    description="Something done to or for a patient. https://hl7.org/fhir/R4/procedure.html",
)
class Procedure(FactNode):
    patient: PatientOfFact = strawberry.field(description="On whom.")
    code: CodeableConcept | None = strawberry.field(
        description="What was done: SNOMED CT, CPT, HCPCS or ICD-10-PCS."
    )
    status: str | None = strawberry.field(
        description="`preparation`, `in-progress`, `not-done`, `stopped`, `completed`, …; "
        "http://hl7.org/fhir/event-status"
    )
    category: CodeableConcept | None = strawberry.field(description="A broad class of it.")
    performed: DateTime | None = strawberry.field(description="When, or when it began.")
    reason: list[CodeableConcept] = strawberry.field(description="Why.")
    body_site: list[CodeableConcept] = strawberry.field(description="Where on the body.")

    @classmethod
    def of(cls, fact: Fact[model.Procedure]) -> Procedure:
        record = fact.resource
        return cls(
            **common(fact),
            patient=patient_of(fact),
            code=CodeableConcept.of(record.code),
            status=record.status,
            category=CodeableConcept.of(record.category),
            performed=date_time(record.performed),
            reason=CodeableConcept.all_of(record.reason_code),
            body_site=CodeableConcept.all_of(record.body_site),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, kinds.PROCEDURES, loaders.load_procedures, cls.of, representations
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Immunization"),
    description="A vaccination given or not. https://hl7.org/fhir/R4/immunization.html",
)
class Immunization(FactNode):
    patient: PatientOfFact = strawberry.field(description="Who was vaccinated.")
    vaccine_code: CodeableConcept | None = strawberry.field(
        description="The vaccine: CVX, http://hl7.org/fhir/sid/cvx."
    )
    status: str | None = strawberry.field(description="`completed` or `not-done`.")
    status_reason: CodeableConcept | None = strawberry.field(description="Why it was not done.")
    occurrence: DateTime | None = strawberry.field(description="When.")
    occurrence_text: str | None = strawberry.field(
        description="When, in words, where no date is known: `as a child`."
    )
    primary_source: bool | None = strawberry.field(
        description="Whether whoever gave it reported it."
    )
    lot_number: str | None = strawberry.field(description="The vaccine's lot.")
    expiration_date: Date | None = strawberry.field(description="The lot's expiration date.")
    site: CodeableConcept | None = strawberry.field(description="Where on the body.")
    route: CodeableConcept | None = strawberry.field(description="How it was given.")

    @classmethod
    def of(cls, fact: Fact[model.Immunization]) -> Immunization:
        record = fact.resource
        return cls(
            **common(fact),
            patient=patient_of(fact),
            vaccine_code=CodeableConcept.of(record.vaccine_code),
            status=record.status,
            status_reason=CodeableConcept.of(record.status_reason),
            occurrence=date_time(record.occurrence_date_time),
            occurrence_text=record.occurrence_string,
            primary_source=record.primary_source,
            lot_number=record.lot_number,
            expiration_date=date(record.expiration_date),
            site=CodeableConcept.of(record.site),
            route=CodeableConcept.of(record.route),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(
            request, kinds.IMMUNIZATIONS, loaders.load_immunizations, cls.of, representations
        )
