"""Values of coverages and explanations of benefit: limits, shares, amounts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import strawberry

from subgraphs.connectors.x12 import eligibility as x12
from subgraphs.coverage.model.explanations import AMOUNT_CODES, Amount, Item, amount_of
from subgraphs.runtime.datatypes import CodeableConcept, Money, Period
from subgraphs.runtime.scalars import Date, DateTime, date_time

_CURRENCY = "USD"  # of every amount in X12


@strawberry.type(description="An organization that pays.")
class Payer:
    name: str | None = strawberry.field(description="Its name.")


@strawberry.type(description="A yearly limit and how far it is used up.")
class BenefitLimit:
    total: Money | None = strawberry.field(description="The limit of the plan year.")
    remaining: Money | None = strawberry.field(description="What is left of it.")
    met: Money | None = strawberry.field(description="What has been counted towards it.")

    @classmethod
    def of(cls, amounts: x12.Amounts | None) -> BenefitLimit | None:
        if amounts is None:
            return None
        return cls(
            total=_money(amounts.total),
            remaining=_money(amounts.remaining),
            met=_money(amounts.met),
        )


@strawberry.type(
    description="What the payer says today about one service, for the individual and within the "
    "network where it distinguishes. Asked by X12 270, answered by 271."
)
class Eligibility:
    active: bool | None = strawberry.field(
        description="Whether the coverage is in force; null where the payer could not tell."
    )
    plan: str | None = strawberry.field(description="The plan in the payer's words.")
    deductible: BenefitLimit | None = strawberry.field(
        description="What the member pays before the plan does."
    )
    out_of_pocket: BenefitLimit | None = strawberry.field(
        description="What the member pays at most."
    )
    copay: Money | None = strawberry.field(description="The member's fixed share of a visit.")
    coinsurance: Decimal | None = strawberry.field(
        description="The member's part of the rest: `0.2` is 20 %."
    )
    rejections: list[str] = strawberry.field(
        description="Why the payer did not answer about this member: X12 reject reason codes "
        "(AAA03) such as `72` invalid member id, `75` subscriber not found."
    )
    as_of: DateTime | None = strawberry.field(description="When the payer said so.")

    @classmethod
    def of(cls, answer: x12.Eligibility, as_of: DateTime | None) -> Eligibility:
        return cls(
            active=answer.active,
            plan=answer.plan,
            deductible=BenefitLimit.of(answer.deductible),
            out_of_pocket=BenefitLimit.of(answer.out_of_pocket),
            copay=_money(answer.copay),
            coinsurance=answer.coinsurance,
            rejections=list(answer.rejections),
            as_of=as_of,
        )


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


def usd(amount: Decimal) -> Money:
    return Money(value=amount, currency=_CURRENCY)


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else usd(amount)
