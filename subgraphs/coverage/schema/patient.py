"""A patient's lists of coverages and of what payers decided, before and after."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.checking import load_all_checks
from subgraphs.coverage.loaders.claims import load_claims
from subgraphs.coverage.loaders.invoices import load_invoices
from subgraphs.coverage.loaders.payers import (
    Payers,
    load_coverages,
    load_explanations,
)
from subgraphs.coverage.loaders.prior_authorizations import load_authorizations
from subgraphs.coverage.model.preauthorization.record import PriorAuthorization as Record
from subgraphs.coverage.schema.authorization_values import PriorAuthorizationState
from subgraphs.coverage.schema.claims import Claim
from subgraphs.coverage.schema.coverages import Coverage
from subgraphs.coverage.schema.explanations import ExplanationOfBenefit
from subgraphs.coverage.schema.invoices import Invoice
from subgraphs.coverage.schema.prior_authorizations import PriorAuthorization
from subgraphs.coverage.schema.values import CHECKS, EligibilityCheck
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.fact_fields import facts_of_patient, list_facts
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    PatientNode,
)
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    coverages: Connection[Coverage] | None = facts_of_patient(
        Coverage,
        load_coverages,
        "Insurance and other coverages: what is in force first, then the newest.",
    )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Coverage"),
        description="What payers have said of the patient's eligibility, each time they were asked "
        "by `checkEligibility` and by files of X12 271, whichever coverage it is about; the newest "
        "first. What they say now is `Coverage.eligibility`.",
    )
    async def eligibility_checks(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[EligibilityCheck] | None:
        request: Request[Payers] = info.context
        return connect(
            request,
            CHECKS,
            EligibilityCheck.of,
            await load_all_checks(request, await request.compartment(self.id, self.links)),
            scope=f"eligibilityChecks:{self.id}",
            first=first,
            after=after,
        )

    explanations_of_benefit: Connection[ExplanationOfBenefit] | None = facts_of_patient(
        ExplanationOfBenefit,
        load_explanations,
        "What payers decided about the patient's claims, the latest service first.",
    )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Claim"),
        description="What payers were asked to agree to beforehand, the newest first.",
    )
    async def prior_authorizations(
        self,
        info: strawberry.Info,
        state: Annotated[
            list[PriorAuthorizationState] | None,
            strawberry.argument(description="Only those that stand so."),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[PriorAuthorization] | None:
        wanted = None if state is None else {each.name for each in state}

        def keep(record: Record) -> bool:
            return wanted is None or record.state.name in wanted

        return await list_facts(
            info,
            self,
            load_authorizations,
            PriorAuthorization,
            first=first,
            after=after,
            keep=keep,
        )

    claims: Connection[Claim] | None = facts_of_patient(
        Claim,
        load_claims,
        "What providers asked payers to pay for the patient, the latest service first.",
    )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Claim"),
        description="What the patient owes for decided claims, and what was paid of it, the latest "
        "decision first: for billing and the patient.",
    )
    async def invoices(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[Invoice] | None:
        request: Request[Payers] = info.context
        found = await load_invoices(request, await request.compartment(self.id, self.links))
        return connect(
            request,
            Listing(id=lambda each: each.claim.id, rank=lambda each: each.bill.issued),
            partial(Invoice.of, request),
            found,
            scope=f"invoices:{self.id}",
            first=first,
            after=after,
        )
