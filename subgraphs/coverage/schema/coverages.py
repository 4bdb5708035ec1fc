"""Coverages, and what their payers say about a service today."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.checking import (
    allowed_amount,
    is_service_type,
    load_checks,
)
from subgraphs.coverage.loaders.payers import (
    Payers,
    load_coverages,
    load_eligibility,
    load_explanations,
    load_name,
)
from subgraphs.coverage.loaders.prior_authorizations import load_under
from subgraphs.coverage.model import coverages as model
from subgraphs.coverage.model import year_to_date as sums
from subgraphs.coverage.model.coverages import COVERAGE, CoverageResource
from subgraphs.coverage.model.estimate import Estimate, estimate
from subgraphs.coverage.model.year_to_date import sum_up
from subgraphs.coverage.schema.explanation_parts import party
from subgraphs.coverage.schema.prior_authorizations import PriorAuthorization
from subgraphs.coverage.schema.values import (
    CHECKS,
    Eligibility,
    EligibilityCheck,
    Payer,
    usd,
)
from subgraphs.coverage.schema.whose import PatientOfFact, patient_of
from subgraphs.runtime.connection import PAGE, After, Connection, First, connect
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Identifier, Money, Period
from subgraphs.runtime.fact_fields import facts_by_id, page_facts
from subgraphs.runtime.fact_nodes import (
    FactNode,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import Party
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(
    description="What a calendar year's decided claims come to, those the caller may see."
)
class YearToDate:
    year: int = strawberry.field(description="The year of the services.")
    claims: int = strawberry.field(description="How many claims.")
    deductible: Money = strawberry.field(description="What counted towards the deductible.")
    out_of_pocket: Money = strawberry.field(
        description="The member's own share: deductible, copay and coinsurance, or the liability "
        "where no more is told."
    )
    paid: Money = strawberry.field(description="What the plan pays.")

    @classmethod
    def of(cls, told: sums.YearToDate) -> YearToDate:
        return cls(
            year=told.year,
            claims=told.claims,
            deductible=usd(told.deductible),
            out_of_pocket=usd(told.out_of_pocket),
            paid=usd(told.paid),
        )


@strawberry.type(
    description="What a service would cost the patient by what the payer says today: first the "
    "deductible, then the copay, then the member's part of the rest, up to the out-of-pocket "
    "limit. An estimate: the payer decides."
)
class CostEstimate:
    allowed: Money = strawberry.field(description="What it was asked for.")
    deductible: Money = strawberry.field(description="What goes towards the deductible.")
    copay: Money = strawberry.field(description="The fixed share.")
    coinsurance: Money = strawberry.field(description="The member's part of the rest.")
    patient_pays: Money = strawberry.field(description="The three together.")
    plan_pays: Money = strawberry.field(description="The rest.")
    is_complete: bool = strawberry.field(
        description="Whether the payer has told all that it takes: the deductible, a copay or "
        "coinsurance, and the out-of-pocket limit. What it has not told counts as nothing."
    )
    as_of: DateTime | None = strawberry.field(description="When the payer said so.")

    @classmethod
    def of(cls, told: Estimate, as_of: DateTime | None) -> CostEstimate:
        return cls(
            allowed=usd(told.allowed),
            deductible=usd(told.deductible),
            copay=usd(told.copay),
            coinsurance=usd(told.coinsurance),
            patient_pays=usd(told.member),
            plan_pays=usd(told.plan),
            is_complete=told.is_complete,
            as_of=as_of,
        )


@strawberry.type(description="A class of a coverage.")
class CoverageClass:
    type: CodeableConcept | None = strawberry.field(
        description="`group`, `plan`, `rxbin`, …; "
        "http://terminology.hl7.org/CodeSystem/coverage-class"
    )
    value: str | None = strawberry.field(description="Its number.")
    name: str | None = strawberry.field(description="Its name.")

    @classmethod
    def of(cls, told: model.CoverageClass) -> CoverageClass:
        return cls(type=CodeableConcept.of(told.type), value=told.value, name=told.name)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Coverage"),
    description="An insurance or other agreement that pays for a patient's care. "
    "https://hl7.org/fhir/R4/coverage.html",
)
class Coverage(FactNode):
    patient: PatientOfFact = strawberry.field(description="Who is covered.")
    status: str | None = strawberry.field(description="`active`, `cancelled` or `draft`.")
    type: CodeableConcept | None = strawberry.field(description="The kind of coverage.")
    plan: str | None = strawberry.field(description="The plan's name.")
    period: Period | None = strawberry.field(description="When it is in force.")
    relationship: CodeableConcept | None = strawberry.field(
        description="The patient's relationship to the subscriber: `self`, `child`, `spouse`, …"
    )
    profiles: list[str] = strawberry.field(
        directives=[FEW], description="The profiles that the payer says it follows."
    )
    network: str | None = strawberry.field(description="The network that the plan pays within.")
    classes: list[CoverageClass] = strawberry.field(
        directives=[FEW], description="Its group, plan and other classes."
    )
    policy_holder: Party | None = strawberry.field(description="Who owns the policy.")
    payors: list[Party] = strawberry.field(directives=[FEW], description="Who pays.")
    fact: strawberry.Private[Fact[CoverageResource]]

    @strawberry.field(
        directives=[FEW],
        description="Its numbers: for billing and the patient; null for everyone else.",
    )
    def identifiers(self, info: strawberry.Info) -> list[Identifier] | None:
        if not may_see_billing(info.context, self.fact):
            return None
        return Identifier.all_of(self.fact.resource.identifier)

    @strawberry.field(
        description="The number that tells members of one subscriber apart: for billing and the "
        "patient; null for everyone else."
    )
    def dependent(self, info: strawberry.Info) -> str | None:
        return self.fact.resource.dependent if may_see_billing(info.context, self.fact) else None

    @federation.field(
        requires_scopes=scopes_for("Claim"),
        description="The number the payer knows the subscriber by: for billing and the patient; "
        "null for everyone else.",
    )
    def subscriber_id(self, info: strawberry.Info) -> str | None:
        if not may_see_billing(info.context, self.fact):
            return None
        return self.fact.resource.subscriber_id

    @federation.field(
        requires_scopes=scopes_for("ExplanationOfBenefit"),
        description="What the decided claims of a calendar year come to, beside what the payer "
        "says is left (`eligibility`): for billing and the patient; null for everyone else.",
    )
    async def year_to_date(
        self,
        info: strawberry.Info,
        year: Annotated[
            int | None, strawberry.argument(description="Which year; this one if left out.")
        ] = None,
    ) -> YearToDate | None:
        request: Request[Payers] = info.context
        if not may_see_billing(request, self.fact):
            return None
        record = self.fact.records[0]
        found = await load_explanations(request, self.fact.compartment)
        told = [f.resource for f in found.rows if f.records[0].source == record.source]
        wanted = request.subgraph.now().year if year is None else year
        return YearToDate.of(sum_up(told, record.resource.id, wanted))

    @strawberry.field(description="Who pays; null where the patient does.")
    async def payer(self, info: strawberry.Info) -> Payer | None:
        record = self.fact.records[0]
        name = await load_name(info.context, record, next(iter(record.resource.payor), None))
        return Payer(name=name) if name else None

    @strawberry.field(
        description="What the payer says about a service today; null where it cannot be asked, and "
        "of what is no code of a service."
    )
    async def eligibility(
        self,
        info: strawberry.Info,
        service_type: Annotated[
            str,
            strawberry.argument(
                description="X12 service type code: `30` the plan as a whole, `98` an office "
                "visit, `MH` mental health, … https://x12.org/codes/service-type-codes"
            ),
        ] = "30",
    ) -> Eligibility | None:
        if not is_service_type(service_type):
            return None
        request: Request[Payers] = info.context
        answer = await load_eligibility(request, self.fact, service_type)
        return Eligibility.of(answer, date_time(request.subgraph.now())) if answer else None

    @strawberry.field(
        description="What a service would cost the patient today; null where the payer does not "
        "say that it covers it or cannot be asked, and of what is no amount or no code. It comes "
        "of the same answer as `eligibility` of that service type."
    )
    async def cost_estimate(
        self,
        info: strawberry.Info,
        allowed: Annotated[
            Decimal | None,
            strawberry.argument(
                description="What the payer's contract allows for it, in US dollars, to the cent: "
                "as `totals { allowed }` of earlier explanations of benefit tells. Without it "
                "there is nothing to estimate."
            ),
        ] = None,
        service_type: Annotated[
            str,
            strawberry.argument(
                description="X12 service type code, as of `eligibility`: `98` an office visit."
            ),
        ] = "30",
    ) -> CostEstimate | None:
        amount = allowed_amount(allowed) if allowed is not None else None
        if amount is None or not is_service_type(service_type):
            return None
        request: Request[Payers] = info.context
        answer = await load_eligibility(request, self.fact, service_type)
        told = estimate(answer, amount) if answer else None
        return CostEstimate.of(told, date_time(request.subgraph.now())) if told else None

    @federation.field(
        directives=[PAGE],
        description="What the payer has said before, each time it was asked by "
        "`checkEligibility`, and by files of X12 271; the newest first.",
    )
    async def eligibility_checks(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[EligibilityCheck] | None:
        request: Request[Payers] = info.context
        return connect(
            request,
            CHECKS,
            EligibilityCheck.of,
            await load_checks(request, self.fact),
            scope=f"eligibilityChecks:{self.id}",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for("Claim"),
        description="What was asked to be paid under it beforehand, the newest first.",
    )
    async def prior_authorizations(
        self, info: strawberry.Info, first: First = None, after: After = None
    ) -> Connection[PriorAuthorization] | None:
        request: Request[Payers] = info.context
        return page_facts(
            request,
            await load_under(request, self.fact),
            PriorAuthorization,
            scope=f"priorAuthorizations:{self.id}",
            first=first,
            after=after,
        )

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[CoverageResource]) -> Coverage:
        resource, source = fact.resource, fact.records[0].source
        return cls(
            **common(fact),
            patient=patient_of(fact),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            plan=resource.plan,
            period=Period.of(resource.period),
            relationship=CodeableConcept.of(resource.relationship),
            profiles=list(resource.meta.profile),
            network=resource.network,
            classes=[CoverageClass.of(each) for each in resource.classes],
            policy_holder=party(source, resource.policy_holder),
            payors=[Party.of(source, each) for each in resource.payor],
        )

    resolve_references = facts_by_id(COVERAGE, load_coverages)
