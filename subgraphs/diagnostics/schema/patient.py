"""A patient's lists of diagnostics."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.diagnostics import kinds, loaders, model
from subgraphs.diagnostics.loaders import Diagnostics, Question
from subgraphs.diagnostics.schema import imaging, media, observations, orders, reports
from subgraphs.diagnostics.schema.asking import Analytes, Category, Codes, From, question_of
from subgraphs.diagnostics.schema.later import (
    MediaOfFact,
    ObservationOfFact,
    OrderOfFact,
    ReportOfFact,
    StudyOfFact,
)
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.fact_fields import facts_of_patient, list_facts
from subgraphs.runtime.fact_nodes import PATIENT, PatientNode
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
        question = question_of(category, codes, analytes, latest=False)
        earliest = rank(from_)
        return await list_facts(
            info,
            self,
            partial(_load, question),
            observations.Observation,
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
        question = question_of(category, codes, analytes, latest=True)
        return await list_facts(
            info,
            self,
            partial(_load, question),
            observations.Observation,
            first=first,
            after=after,
        )

    diagnostic_reports: Connection[ReportOfFact] | None = facts_of_patient(
        reports.DiagnosticReport,
        loaders.load_reports,
        "Reports of laboratories, imaging and others.",
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
        return await list_facts(
            info,
            self,
            loaders.load_outstanding if outstanding else loaders.load_orders,
            orders.ServiceRequest,
            first=first,
            after=after,
            keep=lambda order: wanted is None or bool(tokens(order.category) & wanted),
        )

    imaging_studies: Connection[StudyOfFact] | None = facts_of_patient(
        imaging.ImagingStudy, loaders.load_studies, "Images: X-ray, CT, MR, ultrasound, …"
    )

    media: Connection[MediaOfFact] | None = facts_of_patient(
        media.Media, loaders.load_media, "Photographs, recordings and single images."
    )


async def _load(
    question: Question, request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[model.Observation]]:
    return await loaders.load_observations(request, patient, question)
