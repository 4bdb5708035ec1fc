"""What a patient has: problems, diagnoses, allergies."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema import whose
from subgraphs.records.schema.later import EncounterOfFact, PatientOfFact
from subgraphs.runtime.datatypes import FEW, CodeableConcept
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import (
    CONDITION,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Condition"),
    description=CONDITION,
)
class Condition(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Who has or had it.")
    code: CodeableConcept | None = strawberry.field(
        description="What it is: ICD-10-CM, SNOMED CT or both."
    )
    clinical_status: str | None = strawberry.field(
        description="`active`, `recurrence`, `relapse`, `inactive`, `remission` or `resolved`; "
        "http://terminology.hl7.org/CodeSystem/condition-clinical"
    )
    verification_status: str | None = strawberry.field(
        description="`unconfirmed`, `provisional`, `differential`, `confirmed` or `refuted`; "
        "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    )
    category: list[CodeableConcept] = strawberry.field(
        description="`problem-list-item`, `encounter-diagnosis`, `health-concern`."
    )
    severity: CodeableConcept | None = strawberry.field(description="As a rule of SNOMED CT.")
    onset: DateTime | None = strawberry.field(description="When it began.")
    abatement: DateTime | None = strawberry.field(description="When it ended.")
    recorded_date: DateTime | None = strawberry.field(description="When it was first recorded.")
    asserted_date: DateTime | None = strawberry.field(
        description="When somebody first said that the patient has it."
    )
    recorder: Party | None = strawberry.field(description="Who recorded it.")
    notes: list[str] = strawberry.field(
        directives=[FEW], description="Remarks of those who recorded it."
    )

    @federation.field(
        requires_scopes=scopes_for("Encounter"),
        description="The visit it was diagnosed or noted in, if the caller may see it.",
    )
    async def encounter(self, info: strawberry.Info) -> EncounterOfFact | None:
        return await whose.encounter_of(info, self.fact)

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.Condition]) -> Condition:
        record = fact.resource
        verified = record.verification_status
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            code=CodeableConcept.of(record.code),
            clinical_status=record.clinical_status.code if record.clinical_status else None,
            verification_status=verified.code if verified else None,
            category=CodeableConcept.all_of(record.category),
            severity=CodeableConcept.of(record.severity),
            onset=date_time(record.onset),
            abatement=date_time(record.abatement),
            recorded_date=date_time(record.recorded_date),
            asserted_date=date_time(record.asserted),
            recorder=party_of(fact, lambda c: c.recorder),
            notes=list(dict.fromkeys(note.text for note in record.note if note.text)),
        )

    resolve_references = facts_by_id(kinds.CONDITIONS, loaders.load_conditions)


@strawberry.type(description="What happened when the patient met the substance.")
class AllergyReaction:
    manifestation: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Signs and symptoms."
    )
    severity: str | None = strawberry.field(description="`mild`, `moderate` or `severe`.")
    description: str | None = strawberry.field(description="The event in words.")


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("AllergyIntolerance"),
    description="An allergy or intolerance. https://hl7.org/fhir/R4/allergyintolerance.html",
)
class AllergyIntolerance(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Who is allergic.")
    code: CodeableConcept | None = strawberry.field(
        description="The substance, RxNorm or SNOMED CT; or that there is no known allergy."
    )
    clinical_status: str | None = strawberry.field(
        description="`active`, `inactive` or `resolved`; "
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    )
    verification_status: str | None = strawberry.field(
        description="`unconfirmed`, `presumed`, `confirmed` or `refuted`."
    )
    type: str | None = strawberry.field(description="`allergy` or `intolerance`.")
    category: list[str] = strawberry.field(
        description="`food`, `medication`, `environment`, `biologic`."
    )
    criticality: str | None = strawberry.field(
        description="The potential harm of a future reaction: `low`, `high` or `unable-to-assess`."
    )
    onset: DateTime | None = strawberry.field(description="When it first showed.")
    recorded_date: DateTime | None = strawberry.field(description="When it was first recorded.")
    last_occurrence: DateTime | None = strawberry.field(description="The last known reaction.")
    recorder: Party | None = strawberry.field(description="Who recorded it.")
    reactions: list[AllergyReaction] = strawberry.field(
        directives=[FEW], description="Known reactions."
    )

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[model.AllergyIntolerance]) -> AllergyIntolerance:
        record = fact.resource
        verified = record.verification_status
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            code=CodeableConcept.of(record.code),
            clinical_status=record.clinical_status.code if record.clinical_status else None,
            verification_status=verified.code if verified else None,
            type=record.type,
            category=[category for category in record.category if category],
            criticality=record.criticality,
            onset=date_time(record.onset_date_time),
            recorded_date=date_time(record.recorded_date),
            last_occurrence=date_time(record.last_occurrence),
            recorder=party_of(fact, lambda a: a.recorder),
            reactions=[
                AllergyReaction(
                    manifestation=CodeableConcept.all_of(reaction.manifestation),
                    severity=reaction.severity,
                    description=reaction.description,
                )
                for reaction in record.reaction
            ],
        )

    resolve_references = facts_by_id(kinds.ALLERGIES, loaders.load_allergies)
