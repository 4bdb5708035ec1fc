"""What payers decided about claims."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.claims import load_claim_of
from subgraphs.coverage.loaders.payers import (
    Payers,
    load_explanations,
    load_name,
)
from subgraphs.coverage.model.explanations import EXPLANATION, ExplanationResource
from subgraphs.coverage.schema.claims import Claim
from subgraphs.coverage.schema.values import (
    ClaimAmounts,
    ClaimPayment,
    ExplanationItem,
)
from subgraphs.coverage.schema.whose import PatientOfFact, patient_of
from subgraphs.runtime.datatypes import CodeableConcept, Money, Period, date
from subgraphs.runtime.fact_nodes import (
    FactNode,
    common,
    resolve_facts,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("ExplanationOfBenefit"),
    description="What a payer decided about a claim. "
    "https://hl7.org/fhir/R4/explanationofbenefit.html",
)
class ExplanationOfBenefit(FactNode):
    patient: PatientOfFact = strawberry.field(description="Whose claim it was.")
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

    @strawberry.field(
        description="The claim it is about, where it is known: by the payer's own reference, or by "
        "its numbers."
    )
    async def claim(self, info: strawberry.Info) -> Claim | None:
        claim = await load_claim_of(info.context, self.fact)
        return Claim.of(claim) if claim else None

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
            patient=patient_of(fact),
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
