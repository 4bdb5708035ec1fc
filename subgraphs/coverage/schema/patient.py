"""A patient's lists of coverages and of what payers decided."""

from __future__ import annotations

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.payers import (
    Payers,
    load_coverages,
    load_explanations,
)
from subgraphs.coverage.schema.coverages import Coverage
from subgraphs.coverage.schema.explanations import ExplanationOfBenefit
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    PatientNode,
    list_facts,
)
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Coverage"),
        description="Insurance and other coverages: what is in force first, then the newest.",
    )
    async def coverages(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Coverage] | None:
        request: Request[Payers] = info.context
        return await list_facts(
            request,
            self,
            load_coverages,
            Coverage.of,
            field="coverages",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("ExplanationOfBenefit"),
        description="What payers decided about the patient's claims, the latest service first.",
    )
    async def explanations_of_benefit(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[ExplanationOfBenefit] | None:
        request: Request[Payers] = info.context
        return await list_facts(
            request,
            self,
            load_explanations,
            ExplanationOfBenefit.of,
            field="explanationsOfBenefit",
            first=first,
            after=after,
        )
