"""What runs in a patient's family."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.records import kinds, loaders, model
from subgraphs.records.schema import whose
from subgraphs.records.schema.later import PatientOfFact
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Quantity
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="Something a relative has or had.")
class FamilyCondition:
    code: CodeableConcept | None = strawberry.field(
        description="What it is: as a rule of SNOMED CT or ICD-10-CM."
    )
    outcome: CodeableConcept | None = strawberry.field(description="What came of it.")
    contributed_to_death: bool | None = strawberry.field(
        description="Whether the relative died of it, among other things."
    )
    onset_age: Quantity | None = strawberry.field(
        description="How old the relative was when it began, as a rule in years (`a` of UCUM)."
    )
    onset: str | None = strawberry.field(description="When it began, in words.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @classmethod
    def of(cls, wire: model.FamilyCondition) -> FamilyCondition:
        return cls(
            code=CodeableConcept.of(wire.code),
            outcome=CodeableConcept.of(wire.outcome),
            contributed_to_death=wire.contributed_to_death,
            onset_age=Quantity.of(wire.onset_age),
            onset=wire.onset_string,
            notes=[note.text for note in wire.note if note.text],
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("FamilyMemberHistory"),
    description="What is told of the health of one relative. What is sensitive about a relative "
    "closes it as it would close the patient's own. "
    "https://hl7.org/fhir/R4/familymemberhistory.html",
)
class FamilyMemberHistory(AuthoredNode):
    patient: PatientOfFact = strawberry.field(description="Whose relative it is.")
    status: str | None = strawberry.field(
        description="`partial`, `completed` or `health-unknown`; http://hl7.org/fhir/history-status"
    )
    relationship: CodeableConcept | None = strawberry.field(
        description="What they are to the patient: `FTH`, `MTH`, `SIS`, … of "
        "http://terminology.hl7.org/CodeSystem/v3-RoleCode."
    )
    name: str | None = strawberry.field(description="What the relative is called.")
    sex: CodeableConcept | None = strawberry.field(
        description="http://hl7.org/fhir/administrative-gender"
    )
    born: DateTime | None = strawberry.field(description="When the relative was born.")
    age: Quantity | None = strawberry.field(
        description="How old the relative was when it was told, as a rule in years."
    )
    deceased: bool | None = strawberry.field(description="Whether the relative has died.")
    deceased_age: Quantity | None = strawberry.field(description="At which age.")
    conditions: list[FamilyCondition] = strawberry.field(
        directives=[FEW], description="What the relative has or had."
    )
    reason: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Why it was asked for."
    )
    recorded_date: DateTime | None = strawberry.field(description="When it was told.")
    recorder: Party | None = strawberry.field(description="Who recorded it.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @classmethod
    def of(
        cls, _request: Request[Any], fact: Fact[model.FamilyMemberHistory]
    ) -> FamilyMemberHistory:
        record = fact.resource
        return cls(
            **common(fact),
            patient=whose.patient_of(fact),
            status=record.status,
            relationship=CodeableConcept.of(record.relationship),
            name=record.name,
            sex=CodeableConcept.of(record.sex),
            born=date_time(record.born),
            age=Quantity.of(record.age_age),
            deceased=record.is_deceased,
            deceased_age=Quantity.of(record.deceased_age),
            conditions=[FamilyCondition.of(each) for each in record.condition],
            reason=CodeableConcept.all_of(record.reason_code),
            recorded_date=date_time(record.date),
            recorder=party_of(fact, lambda history: history.recorder),
            notes=[note.text for note in record.note if note.text],
        )

    resolve_references = facts_by_id(kinds.FAMILY, loaders.load_family)
