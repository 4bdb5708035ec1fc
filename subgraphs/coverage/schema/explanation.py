"""What became of a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders import load_explanations, load_organization, may_see_amounts
from subgraphs.coverage.model import (
    AMOUNT_CODES,
    EXPLANATION,
    Amount,
    ExplanationResource,
    Item,
    amount_of,
)
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.datatypes import CodeableConcept, Coding, Money, Period, Provenance, date
from subgraphs.runtime.facts import Fact, load_by_id
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


@strawberry.type(description="How an amount was divided. Categories as in CARIN Blue Button.")
class ClaimAmounts:
    submitted: Money | None = strawberry.field(description="What the provider asked for.")
    allowed: Money | None = strawberry.field(description="What the payer's contract allows.")
    deductible: Money | None = strawberry.field(description="What counts towards the deductible.")
    copay: Money | None = strawberry.field(description="The member's fixed share.")
    coinsurance: Money | None = strawberry.field(description="The member's part of the rest.")
    benefit: Money | None = strawberry.field(description="What the payer pays.")
    member_liability: Money | None = strawberry.field(description="What the member pays in all.")

    paid_by_patient: Money | None = strawberry.field(description="What the member has paid.")

    @classmethod
    def of(cls, amounts: Iterable[Amount]) -> ClaimAmounts:
        given = tuple(amounts)
        named = {name: Money.of(amount_of(given, *codes)) for name, codes in AMOUNT_CODES.items()}
        return cls(**named)


@strawberry.type(description="One line of a claim.")
class ExplanationItem:
    sequence: int = strawberry.field(description="Its place on the claim.")
    service: CodeableConcept | None = strawberry.field(description="What was done or given.")
    serviced: Period | None = strawberry.field(description="When.")
    amounts: ClaimAmounts | None = strawberry.field(
        description="Its amounts: for billing and the patient; null for everyone else."
    )

    @classmethod
    def of(cls, item: Item, *, amounts: bool) -> ExplanationItem:
        day = date_time(item.serviced_date)
        return cls(
            sequence=item.sequence,
            service=CodeableConcept.of(item.product_or_service),
            serviced=Period.of(item.serviced_period)
            or (Period(start=day, end=day) if day else None),
            amounts=ClaimAmounts.of(item.adjudication) if amounts else None,
        )


@strawberry.type(description="What was paid, and when.")
class ClaimPayment:
    amount: Money | None = strawberry.field(description="The payment.")
    date: Date | None = strawberry.field(description="When it was made.")


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("ExplanationOfBenefit"),
    description="What a payer decided about a claim. "
    "https://hl7.org/fhir/R4/explanationofbenefit.html",
)
class ExplanationOfBenefit:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    status: str | None = strawberry.field(description="`active`, `cancelled` or `draft`.")
    type: CodeableConcept | None = strawberry.field(
        description="`institutional`, `professional`, `pharmacy`, `oral` or `vision`."
    )
    outcome: str | None = strawberry.field(
        description="`queued`, `complete`, `error` or `partial`."
    )
    billable_period: Period | None = strawberry.field(description="When the services were given.")
    created: DateTime | None = strawberry.field(description="When the payer decided.")
    provenance: list[Provenance] = strawberry.field(description="Where this comes from.")
    security_labels: list[Coding] = strawberry.field(description="Labels the source has put on it.")
    fact: strawberry.Private[Fact[ExplanationResource]]
    compartment: strawberry.Private[Compartment]

    @strawberry.field(description="The name of whoever gave the services.")
    async def provider_name(self, info: strawberry.Info) -> str | None:
        record = self.fact.records[0]
        reference = record.resource.provider
        id_ = reference.id_of("Organization") if reference else None
        if reference is None or reference.display or id_ is None:
            return reference.display if reference else None
        found = await load_organization(info.context, record.source, id_)
        return found.name if found else None

    @strawberry.field(description="The lines of the claim.")
    def items(self, info: strawberry.Info) -> list[ExplanationItem]:
        amounts = self._may_see_amounts(info)
        return [ExplanationItem.of(item, amounts=amounts) for item in self.fact.resource.item]

    @strawberry.field(
        description="The totals: for billing and the patient; null for everyone else."
    )
    def totals(self, info: strawberry.Info) -> ClaimAmounts | None:
        if not self._may_see_amounts(info):
            return None
        return ClaimAmounts.of(self.fact.resource.totals)

    @strawberry.field(
        description="The payment: for billing and the patient; null for everyone else."
    )
    def payment(self, info: strawberry.Info) -> ClaimPayment | None:
        payment = self.fact.resource.payment
        if payment is None or not self._may_see_amounts(info):
            return None
        return ClaimPayment(amount=Money.of(payment.amount), date=date(payment.date))

    def _may_see_amounts(self, info: strawberry.Info) -> bool:
        return may_see_amounts(info.context, EXPLANATION.type, self.compartment)

    @classmethod
    def of(cls, fact: Fact[ExplanationResource], compartment: Compartment) -> ExplanationOfBenefit:
        resource = fact.resource
        return cls(
            id=strawberry.ID(fact.id),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            outcome=resource.outcome,
            billable_period=Period.of(resource.billable_period),
            created=date_time(resource.created),
            provenance=[Provenance.of(record) for record in fact.records],
            security_labels=[Coding.of(label) for label in fact.security],
            fact=fact,
            compartment=compartment,
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> list[object]:
        compartments: dict[str, Compartment] = {}

        async def load(compartment: Compartment) -> Gathered[Fact[ExplanationResource]]:
            compartments[compartment.patient] = compartment
            return await load_explanations(request, compartment)

        ids = [r.get("id") for r in representations]
        found = await load_by_id(request, EXPLANATION, ids, load)
        return [
            fact if isinstance(fact, Exception) else cls.of(fact, compartments[fact.patient])
            for fact in found
        ]
