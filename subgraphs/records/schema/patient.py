"""A patient's lists of records."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.records import loaders, model
from subgraphs.records.schema.events import Encounter, Immunization, Procedure
from subgraphs.records.schema.problems import AllergyIntolerance, Condition
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    PatientNode,
    list_facts,
)
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
            Procedure.of,
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
