"""A patient's lists of records."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.records import loaders, model
from subgraphs.records.schema.care import CarePlan, Goal
from subgraphs.records.schema.devices import Device
from subgraphs.records.schema.documents import DocumentReference, QuestionnaireResponse
from subgraphs.records.schema.encounters import Encounter
from subgraphs.records.schema.events import Immunization, Procedure
from subgraphs.records.schema.problems import AllergyIntolerance, Condition
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    PatientNode,
    list_facts,
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
            info.context,
            self,
            loaders.load_conditions,
            Condition.of,
            field="conditions",
            first=first,
            after=after,
            keep=keep,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("AllergyIntolerance"),
        description="Allergies and intolerances.",
    )
    async def allergies(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[AllergyIntolerance] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_allergies,
            AllergyIntolerance.of,
            field="allergies",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Encounter"),
        description="Visits and stays.",
    )
    async def encounters(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Encounter] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_encounters,
            Encounter.of,
            field="encounters",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Procedure"),
        description="Procedures.",
    )
    async def procedures(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Procedure] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_procedures,
            partial(Procedure.of, info.context),
            field="procedures",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Immunization"),
        description="Vaccinations.",
    )
    async def immunizations(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Immunization] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_immunizations,
            Immunization.of,
            field="immunizations",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("CarePlan"),
        description="Plans of care.",
    )
    async def care_plans(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[CarePlan] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_care_plans,
            CarePlan.of,
            field="carePlans",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Goal"),
        description="What is to be reached.",
    )
    async def goals(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Goal] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_goals,
            Goal.of,
            field="goals",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Device"),
        description="Implants and other devices.",
    )
    async def devices(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Device] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_devices,
            Device.of,
            field="devices",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("QuestionnaireResponse"),
        description="Forms as they were filled in.",
    )
    async def questionnaire_responses(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[QuestionnaireResponse] | None:
        return await list_facts(
            info.context,
            self,
            loaders.load_responses,
            QuestionnaireResponse.of,
            field="questionnaireResponses",
            first=first,
            after=after,
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
            info.context,
            self,
            loaders.load_documents,
            DocumentReference.of,
            field="documents",
            first=first,
            after=after,
            keep=keep,
        )
