"""A patient's lists of records."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.records import loaders, model
from subgraphs.records.schema.care import CarePlan, Goal
from subgraphs.records.schema.devices import Device
from subgraphs.records.schema.documents import DocumentReference, QuestionnaireResponse
from subgraphs.records.schema.encounters import Encounter
from subgraphs.records.schema.events import Immunization, Procedure
from subgraphs.records.schema.family import FamilyMemberHistory
from subgraphs.records.schema.problems import AllergyIntolerance, Condition
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.fact_fields import facts_of_patient, list_facts
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    PatientNode,
)
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.scopes import scopes_for


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Condition"),
        description="Problems and diagnoses.",
    )
    async def conditions(
        self,
        info: strawberry.Info,
        clinical_status: Annotated[
            list[str] | None,
            strawberry.argument(description="Only those of these clinical statuses."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Condition] | None:
        wanted = None if clinical_status is None else set(clinical_status)

        def keep(condition: model.Condition) -> bool:
            status = condition.clinical_status
            return wanted is None or (status is not None and status.code in wanted)

        return await list_facts(
            info,
            self,
            loaders.load_conditions,
            Condition,
            first=first,
            after=after,
            keep=keep,
        )

    allergies: Connection[AllergyIntolerance] | None = facts_of_patient(
        AllergyIntolerance, loaders.load_allergies, "Allergies and intolerances."
    )

    encounters: Connection[Encounter] | None = facts_of_patient(
        Encounter, loaders.load_encounters, "Visits and stays."
    )

    procedures: Connection[Procedure] | None = facts_of_patient(
        Procedure, loaders.load_procedures, "Procedures."
    )

    immunizations: Connection[Immunization] | None = facts_of_patient(
        Immunization, loaders.load_immunizations, "Vaccinations."
    )

    care_plans: Connection[CarePlan] | None = facts_of_patient(
        CarePlan, loaders.load_care_plans, "Plans of care."
    )

    goals: Connection[Goal] | None = facts_of_patient(
        Goal, loaders.load_goals, "What is to be reached."
    )

    devices: Connection[Device] | None = facts_of_patient(
        Device, loaders.load_devices, "Implants and other devices."
    )

    family_history: Connection[FamilyMemberHistory] | None = facts_of_patient(
        FamilyMemberHistory, loaders.load_family, "What runs in the family, by relative."
    )

    questionnaire_responses: Connection[QuestionnaireResponse] | None = facts_of_patient(
        QuestionnaireResponse, loaders.load_responses, "Forms as they were filled in."
    )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("DocumentReference"),
        description="Notes, letters, summaries, advance directives and other documents.",
    )
    async def documents(
        self,
        info: strawberry.Info,
        categories: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only those of these categories or types, each as `code` or "
                "`system|code`: `clinical-note`, `http://loinc.org|18842-5`."
            ),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[DocumentReference] | None:
        wanted = None if categories is None else set(categories)

        def keep(document: model.DocumentReference) -> bool:
            coded = tokens([*document.category, document.type])
            return wanted is None or bool(coded & wanted)

        return await list_facts(
            info,
            self,
            loaders.load_documents,
            DocumentReference,
            first=first,
            after=after,
            keep=keep,
        )
