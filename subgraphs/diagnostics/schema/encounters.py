"""A visit's diagnostics."""

from __future__ import annotations

from functools import partial

import strawberry
from strawberry import federation

from subgraphs.diagnostics import loaders
from subgraphs.diagnostics.schema import observations, orders, reports
from subgraphs.diagnostics.schema.later import ObservationOfFact, OrderOfFact, ReportOfFact
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.encounters import EncounterNode, list_of_encounter
from subgraphs.runtime.fact_nodes import ENCOUNTER
from subgraphs.runtime.scopes import scopes_for


@federation.type(keys=["id"], description=ENCOUNTER)
class Encounter(EncounterNode):
    @federation.field(
        directives=[PAGE],
        requires=["recordKey"],
        requires_scopes=scopes_for("Observation"),
        description="What was measured or found in it.",
    )
    async def observations(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[ObservationOfFact] | None:
        return await list_of_encounter(
            info.context,
            self,
            loaders.load_observations,
            partial(observations.Observation.of, info.context),
            field="observations",
            read=lambda record: record.encounter,
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["recordKey"],
        requires_scopes=scopes_for("DiagnosticReport"),
        description="Reports of what was ordered in it.",
    )
    async def diagnostic_reports(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[ReportOfFact] | None:
        return await list_of_encounter(
            info.context,
            self,
            loaders.load_reports,
            partial(reports.DiagnosticReport.of, info.context),
            field="diagnosticReports",
            read=lambda record: record.encounter,
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["recordKey"],
        requires_scopes=scopes_for("ServiceRequest"),
        description="What was ordered in it.",
    )
    async def orders(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[OrderOfFact] | None:
        return await list_of_encounter(
            info.context,
            self,
            loaders.load_orders,
            partial(orders.ServiceRequest.of, info.context),
            field="orders",
            read=lambda record: record.encounter,
            first=first,
            after=after,
        )
