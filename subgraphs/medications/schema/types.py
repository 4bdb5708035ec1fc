"""Prescriptions and dispenses as published, and a patient's lists of them.

One file, because each fact names its patient and the patient lists each fact, and a prescription
and its dispenses name each other.
"""

from __future__ import annotations

from typing import Annotated, Any

import strawberry
from strawberry import federation

from subgraphs.medications import kinds, loaders, model
from subgraphs.medications.loaders import Medications
from subgraphs.medications.refills import TASK, refills_of
from subgraphs.medications.schema import encounters
from subgraphs.medications.schema.later import ConditionOfFact, EncounterOfFact
from subgraphs.medications.schema.products import DosageInstruction, Medication
from subgraphs.medications.schema.refills import RefillRequest
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Quantity
from subgraphs.runtime.fact_fields import facts_by_id, facts_of_patient, list_facts
from subgraphs.runtime.fact_nodes import (
    MEDICATION_REQUEST,
    PATIENT,
    PatientNode,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import AuthoredNode, Party, parties_of, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("MedicationRequest"),
    description=MEDICATION_REQUEST,
)
class MedicationRequest(AuthoredNode):
    patient: Patient = strawberry.field(description="For whom.")
    status: str | None = strawberry.field(
        description="`active`, `on-hold`, `cancelled`, `completed`, `stopped`, `draft` or "
        "`unknown`; http://hl7.org/fhir/CodeSystem/medicationrequest-status"
    )
    intent: str | None = strawberry.field(
        description="`order`, `plan` as what a patient says she takes, `proposal`, …; "
        "http://hl7.org/fhir/CodeSystem/medicationrequest-intent"
    )
    category: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="Where it is to be taken: `inpatient`, `outpatient`, `community`, `discharge`.",
    )
    medication: Medication | None = strawberry.field(description="What is to be taken.")
    dosage_instructions: list[DosageInstruction] = strawberry.field(
        directives=[FEW], description="How, in order."
    )
    authored_on: DateTime | None = strawberry.field(description="When it was written.")
    requester: Party | None = strawberry.field(description="Who wrote it.")
    reported_by: Party | None = strawberry.field(
        description="Who told of it, where it was written elsewhere."
    )
    reported: bool | None = strawberry.field(
        description="Whether somebody only told of it: it was written elsewhere."
    )
    adherence: CodeableConcept | None = strawberry.field(
        description="Whether the patient takes it as told."
    )
    reason: list[CodeableConcept] = strawberry.field(directives=[FEW], description="Why.")
    reason_conditions: list[ConditionOfFact] | None = strawberry.field(
        directives=[FEW], description="The problems it is for."
    )
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it was written in.")
    repeats_allowed: int | None = strawberry.field(
        description="How many more times it may be dispensed after the first."
    )
    quantity: Quantity | None = strawberry.field(description="How much is dispensed at a time.")
    notes: list[str] = strawberry.field(directives=[FEW], description="Remarks.")

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("MedicationDispense"),
        description="What was dispensed on it, the newest first.",
    )
    async def dispenses(self, info: strawberry.Info) -> list[MedicationDispense] | None:
        request: Request[Medications] = info.context
        found = await loaders.load_dispenses(request, self.fact.compartment)
        rows = [row for row in found.rows if loaders.is_dispensed_on(row, self.fact)]
        newest = sorted(sorted(rows, key=lambda row: row.id), key=_rank, reverse=True)
        return [MedicationDispense.of(request, row) for row in newest]

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for(TASK),
        description="What was asked for of it by way of refills, the latest first.",
    )
    async def refill_requests(self, info: strawberry.Info) -> list[RefillRequest] | None:
        return [
            RefillRequest.of(info.context, fact)
            for fact in await refills_of(info.context, self.fact)
        ]

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.MedicationRequest]) -> MedicationRequest:
        record = fact.resource
        dispense = record.dispense_request
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            intent=record.intent,
            category=CodeableConcept.all_of(record.category),
            medication=Medication.of(record.medication),
            dosage_instructions=[DosageInstruction.of(each) for each in record.dosage_instruction],
            authored_on=date_time(record.authored_on),
            requester=party_of(fact, lambda r: r.requester),
            reported_by=party_of(fact, lambda r: r.reported_reference),
            reported=record.reported,
            adherence=CodeableConcept.of(record.adherence),
            reason=CodeableConcept.all_of(record.reasons),
            reason_conditions=encounters.conditions_of(request, fact),
            encounter=encounters.encounter_of(request, fact, lambda r: r.encounter),
            repeats_allowed=dispense.number_of_repeats_allowed if dispense else None,
            quantity=Quantity.of(dispense.quantity if dispense else None),
            notes=[note.text for note in record.note if note.text],
        )

    resolve_references = facts_by_id(kinds.REQUESTS, loaders.load_requests)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("MedicationDispense"),
    description="A medication handed over, or being made ready. "
    "https://hl7.org/fhir/R4/medicationdispense.html",
)
class MedicationDispense(AuthoredNode):
    patient: Patient = strawberry.field(description="For whom.")
    status: str | None = strawberry.field(
        description="`preparation`, `in-progress`, `on-hold`, `completed`, `stopped`, `declined`, "
        "…; http://terminology.hl7.org/CodeSystem/medicationdispense-status"
    )
    type: CodeableConcept | None = strawberry.field(
        description="A first fill, a refill, part of one; "
        "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    )
    medication: Medication | None = strawberry.field(description="What was handed over.")
    quantity: Quantity | None = strawberry.field(description="How much.")
    days_supply: Quantity | None = strawberry.field(description="For how long that lasts.")
    when_prepared: DateTime | None = strawberry.field(description="When it was made ready.")
    when_handed_over: DateTime | None = strawberry.field(description="When it was given out.")
    dosage_instructions: list[DosageInstruction] = strawberry.field(
        directives=[FEW], description="How it is to be taken, in order."
    )
    performers: list[Party] = strawberry.field(directives=[FEW], description="Who dispensed it.")
    encounter: EncounterOfFact | None = strawberry.field(description="The visit it belongs to.")

    @federation.field(
        requires_scopes=scopes_for("MedicationRequest"),
        description="The prescription it was dispensed on, if the caller may see it.",
    )
    async def prescription(self, info: strawberry.Info) -> MedicationRequest | None:
        request: Request[Medications] = info.context
        found = await loaders.load_requests(request, self.fact.compartment)
        rows = (row for row in found.rows if loaders.is_dispensed_on(self.fact, row))
        first = next(rows, None)
        return None if first is None else MedicationRequest.of(request, first)

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.MedicationDispense]) -> MedicationDispense:
        record = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            type=CodeableConcept.of(record.type),
            medication=Medication.of(record.medication),
            quantity=Quantity.of(record.quantity),
            days_supply=Quantity.of(record.days_supply),
            when_prepared=date_time(record.when_prepared),
            when_handed_over=date_time(record.when_handed_over),
            dosage_instructions=[DosageInstruction.of(each) for each in record.dosage_instruction],
            performers=parties_of(fact, lambda d: [each.actor for each in d.performer]),
            encounter=encounters.encounter_of(request, fact, lambda d: d.context),
        )

    resolve_references = facts_by_id(kinds.DISPENSES, loaders.load_dispenses)


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("MedicationRequest"),
        description="Prescriptions, and what else is planned or said to be taken.",
    )
    async def medication_requests(
        self,
        info: strawberry.Info,
        status: Annotated[
            list[str] | None, strawberry.argument(description="Only those of these statuses.")
        ] = None,
        intent: Annotated[
            list[str] | None, strawberry.argument(description="Only those of these intents.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[MedicationRequest] | None:
        def keep(request: model.MedicationRequest) -> bool:
            return (status is None or request.status in status) and (
                intent is None or request.intent in intent
            )

        return await list_facts(
            info,
            self,
            loaders.load_requests,
            MedicationRequest,
            first=first,
            after=after,
            keep=keep,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for(TASK),
        description="Every refill that was asked for, of whichever prescription, the latest first.",
    )
    async def refill_requests(
        self,
        info: strawberry.Info,
        status: Annotated[
            list[str] | None, strawberry.argument(description="Only those of these statuses.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[RefillRequest] | None:
        return await list_facts(
            info,
            self,
            loaders.load_refills,
            RefillRequest,
            first=first,
            after=after,
            keep=lambda task: status is None or task.status in status,
        )

    medication_dispenses: Connection[MedicationDispense] | None = facts_of_patient(
        MedicationDispense, loaders.load_dispenses, "What was dispensed."
    )


def _rank(fact: Fact[Any]) -> str:
    return fact.rank
