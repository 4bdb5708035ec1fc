"""Coverages and explanations of benefit, and a patient's lists of them.

One file, because each fact names its patient and the patient lists each fact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.coverage.loaders import (
    Payers,
    load_coverages,
    load_eligibility,
    load_explanations,
    load_name,
    may_see_billing,
)
from subgraphs.coverage.model import (
    COVERAGE,
    EXPLANATION,
    CoverageResource,
    ExplanationResource,
)
from subgraphs.coverage.schema.values import (
    ClaimAmounts,
    ClaimPayment,
    Eligibility,
    ExplanationItem,
    Payer,
)
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.datatypes import CodeableConcept, Money, Period, date
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import (
    PATIENT,
    FactNode,
    PatientNode,
    common,
    list_facts,
    resolve_facts,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

_SERVICE_TYPE = re.compile(r"[A-Z0-9]{1,2}")


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Coverage"),
    description="An insurance or other agreement that pays for a patient's care. "
    "https://hl7.org/fhir/R4/coverage.html",
)
class Coverage(FactNode):
    patient: Patient = strawberry.field(description="Who is covered.")
    status: str | None = strawberry.field(description="`active`, `cancelled` or `draft`.")
    type: CodeableConcept | None = strawberry.field(description="The kind of coverage.")
    plan: str | None = strawberry.field(description="The plan's name.")
    period: Period | None = strawberry.field(description="When it is in force.")
    relationship: CodeableConcept | None = strawberry.field(
        description="The patient's relationship to the subscriber: `self`, `child`, `spouse`, …"
    )
    fact: strawberry.Private[Fact[CoverageResource]]

    @federation.field(
        requires_scopes=scopes_for("Claim"),
        description="The number the payer knows the subscriber by: for billing and the patient; "
        "null for everyone else.",
    )
    def subscriber_id(self, info: strawberry.Info) -> str | None:
        if not may_see_billing(info.context, self.fact):
            return None
        return self.fact.resource.subscriber_id

    @strawberry.field(description="Who pays; null where the patient does.")
    async def payer(self, info: strawberry.Info) -> Payer | None:
        record = self.fact.records[0]
        name = await load_name(info.context, record, next(iter(record.resource.payor), None))
        return Payer(name=name) if name else None

    @strawberry.field(
        description="What the payer says about a service today; null where it cannot be asked."
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
        if not _SERVICE_TYPE.fullmatch(service_type):
            raise ClientError(Code.BAD_USER_INPUT, argument="serviceType")
        request: Request[Payers] = info.context
        answer = await load_eligibility(request, self.fact, service_type)
        return Eligibility.of(answer, date_time(request.subgraph.now())) if answer else None

    @classmethod
    def of(cls, fact: Fact[CoverageResource]) -> Coverage:
        resource = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            plan=resource.plan,
            period=Period.of(resource.period),
            relationship=CodeableConcept.of(resource.relationship),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Payers], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(request, COVERAGE, load_coverages, cls.of, representations)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("ExplanationOfBenefit"),
    description="What a payer decided about a claim. "
    "https://hl7.org/fhir/R4/explanationofbenefit.html",
)
class ExplanationOfBenefit(FactNode):
    patient: Patient = strawberry.field(description="Whose claim it was.")
    status: str | None = strawberry.field(description="`active`, `cancelled` or `draft`.")
    type: CodeableConcept | None = strawberry.field(
        description="`institutional`, `professional`, `pharmacy`, `oral` or `vision`."
    )
    outcome: str | None = strawberry.field(
        description="`queued`, `complete`, `error` or `partial`."
    )
    billable_period: Period | None = strawberry.field(description="When the services were given.")
    created: DateTime | None = strawberry.field(description="When the payer decided.")
    fact: strawberry.Private[Fact[ExplanationResource]]

    @strawberry.field(description="The name of whoever gave the services.")
    async def provider_name(self, info: strawberry.Info) -> str | None:
        record = self.fact.records[0]
        return await load_name(info.context, record, record.resource.provider)

    @strawberry.field(description="The lines of the claim.")
    def items(self, info: strawberry.Info) -> list[ExplanationItem]:
        amounts = self._may_see_billing(info)
        return [ExplanationItem.of(item, amounts=amounts) for item in self.fact.resource.item]

    @strawberry.field(
        description="The totals: for billing and the patient; null for everyone else."
    )
    def totals(self, info: strawberry.Info) -> ClaimAmounts | None:
        if not self._may_see_billing(info):
            return None
        return ClaimAmounts.of(self.fact.resource.totals)

    @strawberry.field(
        description="The payment: for billing and the patient; null for everyone else."
    )
    def payment(self, info: strawberry.Info) -> ClaimPayment | None:
        payment = self.fact.resource.payment
        if payment is None or not self._may_see_billing(info):
            return None
        return ClaimPayment(amount=Money.of(payment.amount), date=date(payment.date))

    def _may_see_billing(self, info: strawberry.Info) -> bool:
        return may_see_billing(info.context, self.fact)

    @classmethod
    def of(cls, fact: Fact[ExplanationResource]) -> ExplanationOfBenefit:
        resource = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            outcome=resource.outcome,
            billable_period=Period.of(resource.billable_period),
            created=date_time(resource.created),
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Payers], representations: Sequence[Representation]
    ) -> Sequence[object]:
        return await resolve_facts(request, EXPLANATION, load_explanations, cls.of, representations)


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
