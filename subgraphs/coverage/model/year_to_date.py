"""What a year's explanations of benefit come to under one coverage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from subgraphs.coverage.model.explanation_parts import Amount
from subgraphs.coverage.model.explanations import AMOUNT_CODES, ExplanationResource, amount_of

_SHARES: Final = ("deductible", "copay", "coinsurance")


@dataclass(frozen=True, slots=True)
class YearToDate:
    year: int
    claims: int
    deductible: Decimal
    out_of_pocket: Decimal
    """Deductible, copay and coinsurance; the member's liability where a payer tells no more."""
    paid: Decimal
    """By the plan."""


def sum_up(explanations: Iterable[ExplanationResource], coverage: str, year: int) -> YearToDate:
    """Of decided claims of the year's services that name the coverage."""
    of_year = [
        each
        for each in explanations
        if each.status == "active"
        and each.use in (None, "claim")
        and _year(each) == year
        and coverage in _coverages(each)
    ]
    totals = [each.totals for each in of_year]
    return YearToDate(
        year,
        len(of_year),
        deductible=_sum(_told(each, "deductible") for each in totals),
        out_of_pocket=_sum(map(_own_share, totals)),
        paid=_sum(_told(each, "benefit") for each in totals),
    )


def _own_share(totals: Sequence[Amount]) -> Decimal:
    shares = [_told(totals, name) for name in _SHARES]
    if any(share is not None for share in shares):
        return _sum(shares)
    return _told(totals, "member_liability") or Decimal(0)


def _told(totals: Sequence[Amount], name: str) -> Decimal | None:
    money = amount_of(totals, *AMOUNT_CODES[name])
    return money.value if money else None


def _year(explanation: ExplanationResource) -> int | None:
    period = explanation.billable_period
    start = (period.start if period else None) or explanation.created or ""
    return int(start[:4]) if start[:4].isdecimal() else None


def _coverages(explanation: ExplanationResource) -> set[str | None]:
    return {each.coverage.id_of("Coverage") for each in explanation.insurance if each.coverage}


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((each for each in amounts if each is not None), Decimal(0))
