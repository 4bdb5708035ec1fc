"""What is intended for a patient, and what she carries: plans, goals, implants."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema import whose
from subgraphs.records.schema.later import ConditionOfFact, EncounterOfFact, PatientOfFact
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Period, Quantity, date
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import followed, refs_of
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="What a record says of itself for people to read.")
class Narrative:
    status: str | None = strawberry.field(
        description="`generated` from its data, `extensions`, `additional` to it, or `empty`."
    )
    xhtml: str | None = strawberry.field(
        description="A div of XHTML as the source wrote it: clean it before you show it."
    )

    @classmethod
    def of(cls, plan: model.CarePlan) -> Narrative | None:
        return cls(status=plan.text.status, xhtml=plan.text.div) if plan.text else None


@strawberry.type(description="Something to be done, of a plan.")
class CarePlanActivity:
    code: CodeableConcept | None = strawberry.field(description="What.")
    description: str | None = strawberry.field(description="What, in words.")
    status: str | None = strawberry.field(
        description="`not-started`, `scheduled`, `in-progress`, `completed`, …; "
        "http://hl7.org/fhir/care-plan-activity-status"
    )
    scheduled: Period | None = strawberry.field(description="From when to when.")

    @classmethod
    def of(cls, wire: model.ActivityDetail) -> CarePlanActivity:
        return cls(
            code=CodeableConcept.of(wire.code),
            description=wire.description,
            status=wire.status,
            scheduled=Period.of(wire.scheduled_period),
        )


@strawberry.type(description="What is to be reached, and by when.")
class GoalTarget:
    measure: CodeableConcept | None = strawberry.field(description="What is measured: LOINC.")
    quantity: Quantity | None = strawberry.field(description="The amount to reach.")
    low: Quantity | None = strawberry.field(description="The least of a range to stay in.")
    high: Quantity | None = strawberry.field(description="The most of it.")
    concept: CodeableConcept | None = strawberry.field(description="The state to reach.")
    text: str | None = strawberry.field(description="What to reach, in words.")
    due_date: Date | None = strawberry.field(description="By when.")

    @classmethod
    def of(cls, wire: model.Target) -> GoalTarget:
        span = wire.detail_range
        return cls(
            measure=CodeableConcept.of(wire.measure),
            quantity=Quantity.of(wire.detail_quantity),
            low=Quantity.of(span.low if span else None),
            high=Quantity.of(span.high if span else None),
            concept=CodeableConcept.of(wire.detail_codeable_concept),
            text=wire.detail_string,
            due_date=date(wire.due_date),
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Goal"),
    description="What is to be reached with a patient. https://hl7.org/fhir/R4/goal.html",
)
class Goal(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="With whom.")
    description: CodeableConcept | None = strawberry.field(description="What.")
    lifecycle_status: str | None = strawberry.field(
        description="`proposed`, `accepted`, `active`, `completed`, `cancelled`, …; "
        "http://hl7.org/fhir/goal-status"
    )
    achievement_status: CodeableConcept | None = strawberry.field(
        description="`improving`, `achieved`, …; "
        "http://terminology.hl7.org/CodeSystem/goal-achievement"
    )
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="`dietary`, `safety`, `behavioral`, …"
    )
    start_date: Date | None = strawberry.field(description="When it begins to be pursued.")
    targets: list[GoalTarget] = strawberry.field(directives=[FEW], description="How far, by when.")
    expressed_by: Party | None = strawberry.field(description="Whose goal it is.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Condition"),
        description="The problems it is for, those the caller may see.",
    )
    async def conditions(self, info: strawberry.Info) -> list[ConditionOfFact] | None:
        return await whose.conditions_of(info, self.fact, lambda record: record.addresses)

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.Goal]) -> Goal:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            description=CodeableConcept.of(record.description),
            lifecycle_status=record.lifecycle_status,
            achievement_status=CodeableConcept.of(record.achievement_status),
            category=CodeableConcept.all_of(record.category),
            start_date=date(record.start_date),
            targets=[GoalTarget.of(target) for target in record.target],
            expressed_by=party_of(fact, lambda g: g.expressed_by),
            notes=[note.text for note in record.note if note.text],
        )

    resolve_references = facts_by_id(kinds.GOALS, loaders.load_goals)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("CarePlan"),
    description="What is planned for a patient. https://hl7.org/fhir/R4/careplan.html",
)
class CarePlan(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="For whom.")
    status: str | None = strawberry.field(
        description="`draft`, `active`, `on-hold`, `revoked`, `completed` or `unknown`; "
        "http://hl7.org/fhir/request-status"
    )
    intent: str | None = strawberry.field(
        description="`proposal`, `plan`, `order` or `option`; http://hl7.org/fhir/request-intent"
    )
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="`assess-plan` is an assessment and plan of treatment; "
        "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    )
    title: str | None = strawberry.field(description="Its name.")
    description: str | None = strawberry.field(description="A summary of it.")
    narrative: Narrative | None = strawberry.field(description="The plan in words.")
    period: Period | None = strawberry.field(description="From when to when it holds.")
    created: DateTime | None = strawberry.field(description="When it was first recorded.")
    author: Party | None = strawberry.field(description="Who answers for it.")
    contributors: list[Party] = strawberry.field(
        directives=[FEW], description="Who provided its content."
    )
    activities: list[CarePlanActivity] = strawberry.field(
        directives=[FEW], description="What is to be done."
    )
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @federation.field(
        requires_scopes=scopes_for("Encounter"),
        description="The visit it was made in, if the caller may see it.",
    )
    async def encounter(self, info: strawberry.Info) -> EncounterOfFact | None:
        return await whose.encounter_of(info, self.fact)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Condition"),
        description="The problems it is for, those the caller may see.",
    )
    async def conditions(self, info: strawberry.Info) -> list[ConditionOfFact] | None:
        return await whose.conditions_of(info, self.fact, lambda record: record.addresses)

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("Goal"),
        description="What it is to reach, as far as the caller may see it.",
    )
    async def goals(self, info: strawberry.Info) -> list[Goal] | None:
        refs = refs_of(self.fact, "Goal", lambda plan: plan.goal)
        if not refs:
            return []
        found = await loaders.load_goals(info.context, self.fact.compartment)
        return [Goal.of(info.context, each) for each in followed(found.rows, refs)]

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.CarePlan]) -> CarePlan:
        record = fact.resource
        details = (activity.detail for activity in record.activity)
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            status=record.status,
            intent=record.intent,
            category=CodeableConcept.all_of(record.category),
            title=record.title,
            description=record.description,
            narrative=Narrative.of(record),
            period=Period.of(record.period),
            created=date_time(record.created),
            author=party_of(fact, lambda plan: plan.author),
            contributors=parties_of(fact, lambda plan: plan.contributor),
            activities=[CarePlanActivity.of(detail) for detail in details if detail],
            notes=[note.text for note in record.note if note.text],
        )

    resolve_references = facts_by_id(kinds.CARE_PLANS, loaders.load_care_plans)
