"""A patient's lists of diagnostics."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.loaders import Diagnostics, Question
from subgraphs.diagnostics.schema import imaging, observations, orders, reports
from subgraphs.diagnostics.schema.asking import Analytes, Category, Codes, From, question_of
from subgraphs.diagnostics.schema.later import (
    ObservationOfFact,
    OrderOfFact,
    ReportOfFact,
    StudyOfFact,
)
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.fact_nodes import PATIENT, PatientNode, list_facts
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.scopes import scopes_for


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Observation"),
        description="Measurements and findings.",
    )
    async def observations(
        self,
        info: strawberry.Info,
        category: Category = None,
        codes: Codes = None,
        analytes: Analytes = None,
        from_: From = None,
        first: First = None,
        after: After = None,
    ) -> Connection[ObservationOfFact] | None:
        request: Request[Diagnostics] = info.context
        question = question_of(category, codes, analytes, latest=False)
        earliest = rank(from_)
        return await list_facts(
            request,
            self,
            partial(_load, question),
            partial(observations.Observation.of, request),
            field="observations",
            first=first,
            after=after,
            keep=lambda observation: kinds.OBSERVATIONS.rank(observation) >= earliest,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Observation"),
        description="The newest observation of each code.",
    )
    async def latest_observations(
        self,
        info: strawberry.Info,
        category: Category = None,
        codes: Codes = None,
        analytes: Analytes = None,
        first: First = None,
        after: After = None,
    ) -> Connection[ObservationOfFact] | None:
        request: Request[Diagnostics] = info.context
        question = question_of(category, codes, analytes, latest=True)
        return await list_facts(
            request,
            self,
            partial(_load, question),
            partial(observations.Observation.of, request),
            field="latestObservations",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("DiagnosticReport"),
        description="Reports of laboratories, imaging and others.",
    )
    async def diagnostic_reports(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[ReportOfFact] | None:
        request: Request[Diagnostics] = info.context
        return await list_facts(
            request,
            self,
            loaders.load_reports,
            partial(reports.DiagnosticReport.of, request),
            field="diagnosticReports",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("ServiceRequest"),
        description="Orders, referrals and other requests that something be done.",
    )
    async def orders(
        self,
        info: strawberry.Info,
        outstanding: Annotated[
            bool | None,
            strawberry.argument(
                description="Only those that still stand and that no finished result or report "
                "answers."
            ),
        ] = None,
        categories: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only those of these categories, each as `code` or `system|code`: "
                "`108252007` laboratory, `363679005` imaging."
            ),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[OrderOfFact] | None:
        wanted = None if categories is None else set(categories)
        request: Request[Diagnostics] = info.context
        return await list_facts(
            request,
            self,
            loaders.load_outstanding if outstanding else loaders.load_orders,
            partial(orders.ServiceRequest.of, request),
            field="orders",
            first=first,
            after=after,
            keep=lambda order: wanted is None or bool(tokens(order.category) & wanted),
        )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("ImagingStudy"),
        description="Images: X-ray, CT, MR, ultrasound, …",
    )
    async def imaging_studies(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[StudyOfFact] | None:
        request: Request[Diagnostics] = info.context
        return await list_facts(
            request,
            self,
            loaders.load_studies,
            partial(imaging.ImagingStudy.of, request),
            field="imagingStudies",
            first=first,
            after=after,
        )


async def _load(
    question: Question, request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[model.Observation]]:
    return await loaders.load_observations(request, patient, question)
