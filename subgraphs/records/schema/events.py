"""What was done to a patient: procedures, vaccinations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema import whose
from subgraphs.records.schema.later import ConditionOfFact, EncounterOfFact, PatientOfFact
from subgraphs.records.schema.orders import ServiceRequest, orders_of
from subgraphs.runtime.datatypes import FEW, CodeableConcept, date
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import (
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.fhir import CodeableConcept as WireConcept
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.naming import AuthoredNode, Party, party_of, told_by
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="Who did it, and as what.")
class Performer:
    function: CodeableConcept | None = strawberry.field(
        description="As what: surgeon, who administered it, …"
    )
    actor: Party | None = strawberry.field(description="Who.")

    @classmethod
    def of(cls, source: str, wire: model.Performer) -> Performer:
        actor = Party.of(source, wire.actor) if wire.actor else None
        return cls(function=CodeableConcept.of(wire.function), actor=actor)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Procedure"),
    description="Something done to or for a patient. https://hl7.org/fhir/R4/procedure.html",
)
class Procedure(AuthoredNode):
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
    reason: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Why: coded, or the names of what is referred to."
    )
    body_site: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Where on the body."
    )
    performers: list[Performer] = strawberry.field(directives=[FEW], description="Who did it.")
    orders: list[ServiceRequest] | None = strawberry.field(
        directives=[FEW], description="The orders it was done on."
    )

    @federation.field(
        requires_scopes=scopes_for("Encounter"),
        description="The visit it was done in, if the caller may see it.",
    )
    async def encounter(self, info: strawberry.Info) -> EncounterOfFact | None:
        return await whose.encounter_of(info, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Condition"),
        description="The problems it was done for, those the caller may see.",
    )
    async def reason_conditions(self, info: strawberry.Info) -> list[ConditionOfFact] | None:
        return await whose.conditions_of(info, self.fact, lambda p: p.reason_reference)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.Procedure]) -> Procedure:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            code=CodeableConcept.of(record.code),
            status=record.status,
            category=CodeableConcept.of(record.category),
            performed=date_time(record.performed),
            reason=reasons(record.reason_code, record.reason_reference),
            body_site=CodeableConcept.all_of(record.body_site),
            performers=told_by(fact, Performer.of, lambda record: record.performer),
            orders=orders_of(request, fact),
        )

    resolve_references = facts_by_id(kinds.PROCEDURES, loaders.load_procedures)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Immunization"),
    description="A vaccination given or not. https://hl7.org/fhir/R4/immunization.html",
)
class Immunization(AuthoredNode):
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
    performers: list[Performer] = strawberry.field(directives=[FEW], description="Who gave it.")
    location: Party | None = strawberry.field(description="Where it was given.")

    @federation.field(
        requires_scopes=scopes_for("Encounter"),
        description="The visit it was given in, if the caller may see it.",
    )
    async def encounter(self, info: strawberry.Info) -> EncounterOfFact | None:
        return await whose.encounter_of(info, self.fact)

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.Immunization]) -> Immunization:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
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
            performers=told_by(fact, Performer.of, lambda record: record.performer),
            location=party_of(fact, lambda i: i.location),
        )

    resolve_references = facts_by_id(kinds.IMMUNIZATIONS, loaders.load_immunizations)


def reasons(coded: Iterable[WireConcept], named: Iterable[Reference]) -> list[CodeableConcept]:
    """Those that are coded, and the names of those that are referred to."""
    names = (WireConcept(text=each.display) for each in named if each.display)
    return CodeableConcept.all_of((*coded, *names))
