"""A visit's diagnostics."""

from __future__ import annotations

from strawberry import federation

from subgraphs.diagnostics import loaders
from subgraphs.diagnostics.schema import observations, orders, reports
from subgraphs.diagnostics.schema.later import ObservationOfFact, OrderOfFact, ReportOfFact
from subgraphs.runtime.connection import Connection
from subgraphs.runtime.encounters import EncounterNode, facts_of_encounter
from subgraphs.runtime.fact_nodes import ENCOUNTER


@federation.type(keys=["id"], description=ENCOUNTER)
class Encounter(EncounterNode):
    observations: Connection[ObservationOfFact] | None = facts_of_encounter(
        "Observation",
        lambda: observations.Observation,
        loaders.load_observations,
        "What was measured or found in it.",
    )

    diagnostic_reports: Connection[ReportOfFact] | None = facts_of_encounter(
        "DiagnosticReport",
        lambda: reports.DiagnosticReport,
        loaders.load_reports,
        "Reports of what was ordered in it.",
    )

    orders: Connection[OrderOfFact] | None = facts_of_encounter(
        "ServiceRequest",
        lambda: orders.ServiceRequest,
        loaders.load_orders,
        "What was ordered in it.",
    )
