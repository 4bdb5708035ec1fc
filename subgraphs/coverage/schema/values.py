"""Values of coverages and explanations of benefit: limits, shares, amounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final

import strawberry
from strawberry.federation.schema_directives import ListSize

from subgraphs.connectors.x12 import eligibility as x12
from subgraphs.connectors.x12.benefits import Benefit
from subgraphs.connectors.x12.elements import Dates
from subgraphs.coverage.loaders.checking import Checked
from subgraphs.coverage.model.explanation_parts import Amount, Item
from subgraphs.coverage.model.explanations import AMOUNT_CODES, amount_of
from subgraphs.coverage.schema.explanation_parts import ExplanationLine
from subgraphs.coverage.schema.whose import CoverageOfFact
from subgraphs.runtime.connection import Listing
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Money, Period
from subgraphs.runtime.scalars import Date, DateTime, date_time

_CURRENCY = "USD"  # of every amount in X12
_YES_NO = {"Y": True, "N": False}
BENEFITS = ListSize(assumed_size=20)  # type: ignore[call-arg]  # None would be printed


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
    description="One thing a payer says of a service: an EB segment of X12 271 (005010X279A1)."
)
class EligibilityBenefit:
    kind: str = strawberry.field(
        description="What about (EB01): `1` active, `6` inactive, `A` coinsurance, `B` copay, `C` "
        "deductible, `F` limits, `G` out of pocket, `I` not covered, `CB` coverage basis, …"
    )
    coverage_level: str | None = strawberry.field(
        description="For whom (EB02): `IND` the individual, `FAM` the family, …"
    )
    service_types: list[str] = strawberry.field(
        directives=[FEW], description="X12 service type codes (EB03); none: of the whole plan."
    )
    insurance_type: str | None = strawberry.field(
        description="EB04: `HM` HMO, `PR` PPO, `MA` and `MB` Medicare, `MC` Medicaid, …"
    )
    plan: str | None = strawberry.field(description="The plan in the payer's words (EB05).")
    time_period: str | None = strawberry.field(
        description="EB06: `23` a calendar year, `24` year to date, `27` a visit, `29` what "
        "remains, …"
    )
    amount: Money | None = strawberry.field(description="How much money (EB07).")
    percent: Decimal | None = strawberry.field(
        description="The member's part: `0.2` is 20 % (EB08)."
    )
    quantity: Decimal | None = strawberry.field(description="How many (EB10).")
    quantity_kind: str | None = strawberry.field(
        description="Of what (EB09): `VS` visits, `DY` days, `HS` hours, `P6` services, …"
    )
    authorization_required: bool | None = strawberry.field(
        description="Whether the payer has to agree beforehand (EB11); null where it is unknown."
    )
    in_network: bool | None = strawberry.field(
        description="Within the payer's network or out of it (EB12); null where it is of both, or "
        "unknown."
    )
    procedure: str | None = strawberry.field(
        description="The procedure it is about (EB13): the kind of code, the code and its "
        "modifiers, as `HC:97110:GP`."
    )
    period: Period | None = strawberry.field(description="When it holds.")
    messages: list[str] = strawberry.field(
        directives=[FEW], description="What the payer adds in words."
    )

    @classmethod
    def of(cls, wire: Benefit) -> EligibilityBenefit:
        return cls(
            kind=wire.code,
            coverage_level=wire.coverage_level or None,
            service_types=list(wire.service_types),
            insurance_type=wire.insurance_type or None,
            plan=wire.plan or None,
            time_period=wire.period or None,
            amount=_money(wire.amount),
            percent=wire.percent,
            quantity=wire.quantity,
            quantity_kind=wire.quantity_kind or None,
            authorization_required=_YES_NO.get(wire.authorization),
            in_network=_YES_NO.get(wire.in_network),
            procedure=":".join(wire.procedure) or None,
            period=_span(wire.dates),
            messages=list(wire.messages),
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
    authorization_required: bool | None = strawberry.field(
        description="Whether the payer has to agree to the service beforehand, in any part (EB11); "
        "null where it does not say. Ask it by `submitPriorAuthorization`."
    )
    plan_period: Period | None = strawberry.field(
        description="When the plan, or else the member's coverage by it, begins and ends."
    )
    messages: list[str] = strawberry.field(
        directives=[FEW], description="What the payer adds in words."
    )
    benefits: list[EligibilityBenefit] = strawberry.field(
        directives=[BENEFITS],
        description="All that the payer says of the service and of the plan as a whole, the most "
        "telling first: also for families, and out of the network.",
    )
    rejections: list[str] = strawberry.field(
        description="Why the payer did not answer about this member: X12 reject reason codes "
        "(AAA03) such as `72` invalid member id, `75` subscriber not found. A payer that is down "
        "is an error instead."
    )
    follow_ups: list[str] = strawberry.field(
        description="What to do about each, in their order (AAA04): `C` correct it and ask again, "
        "`N` do not, `R` ask again later, …"
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
            authorization_required=answer.authorization_required,
            plan_period=_span(answer.plan_dates),
            messages=list(answer.messages),
            benefits=[EligibilityBenefit.of(each) for each in answer.benefits],
            rejections=list(answer.rejections),
            follow_ups=list(answer.follow_ups),
            as_of=as_of,
        )


@strawberry.type(
    description="What a payer said of a member's eligibility: when it was asked by "
    "`checkEligibility`, or by a file of X12 271 that was handed in."
)
class EligibilityCheck:
    id: strawberry.ID = strawberry.field(description="An id of this answer.")
    source: str = strawberry.field(
        description="The id of the source that was asked, or that handed it in."
    )
    is_handed_in: bool = strawberry.field(description="Whether it came by a file.")
    payer: str | None = strawberry.field(
        description="The name of whoever answers, where a file tells it."
    )
    service_type: str = strawberry.field(
        description="About which X12 service type. What a file says is all shown, whichever it is."
    )
    checked_at: DateTime | None = strawberry.field(
        description="When it was asked, or when the file was made."
    )
    eligibility: Eligibility = strawberry.field(description="What the payer said.")
    told: strawberry.Private[Checked]

    @strawberry.field(
        description="The coverage that it is about: null for a file that tells of none known here."
    )
    def coverage(self, info: strawberry.Info) -> CoverageOfFact | None:
        from subgraphs.coverage.schema.coverages import Coverage  # noqa: PLC0415 - as in `whose`

        about = self.told.coverage
        return Coverage.of(info.context, about) if about else None

    @classmethod
    def of(cls, told: Checked) -> EligibilityCheck:
        at = date_time(told.at)
        return cls(
            id=strawberry.ID(told.id),
            source=told.source,
            is_handed_in=told.is_handed_in,
            payer=told.payer,
            service_type=told.service_type,
            checked_at=at,
            eligibility=Eligibility.of(told.eligibility, at),
            told=told,
        )


CHECKS: Final[Listing[Checked]] = Listing(id=lambda told: told.id, rank=lambda told: told.rank)


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
    line: ExplanationLine = strawberry.field(description="All else that the line says.")

    @classmethod
    def of(cls, item: Item, *, amounts: bool) -> ExplanationItem:
        day = date_time(item.serviced_date)
        return cls(
            sequence=item.sequence,
            service=CodeableConcept.of(item.product_or_service),
            serviced=Period.of(item.serviced_period)
            or (Period(start=day, end=day) if day else None),
            amounts=ClaimAmounts.of(item.adjudication) if amounts else None,
            line=ExplanationLine.of(item, amounts=amounts),
        )


@strawberry.type(description="What was paid, and when.")
class ClaimPayment:
    amount: Money | None = strawberry.field(description="The payment.")
    date: Date | None = strawberry.field(description="When it was made.")
    type: CodeableConcept | None = strawberry.field(description="`complete`, `partial` or none.")


def usd(amount: Decimal) -> Money:
    return Money(value=amount, currency=_CURRENCY)


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else usd(amount)


def _span(dates: Dates | None) -> Period | None:
    """X12 knows days alone; one that has no end is open."""
    if dates is None:
        return None
    end = None if dates.end == date.max else date_time(dates.end.isoformat())
    return Period(start=date_time(dates.start.isoformat()), end=end)
