"""What a payer's benefits come to for one service type.

A 271 says the same thing several times: for an individual and a family, in and out of network, for
the plan and for a service. The most telling statement is taken: of the service asked rather than of
the plan, of the individual rather than the family, in network rather than out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from subgraphs.connectors.x12.benefits import Benefit, MemberAnswer
from subgraphs.connectors.x12.elements import Dates

HEALTH_PLAN = "30"
_ACTIVE = frozenset("12345")
_INACTIVE = frozenset("678")
# EB06: the whole of a year (service, calendar, contract), or not said.
_YEAR = frozenset({"22", "23", "25", ""})
_TO_DATE = frozenset({"24"})
_REMAINING = frozenset({"29"})
_OPEN = Dates(date.max, date.max)
"""Without an end."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Of a limit such as the deductible, in the payer's currency (US dollars)."""

    total: Decimal | None = None
    remaining: Decimal | None = None
    met: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Eligibility:
    """`active` is None where the payer does not say, or could not identify the member."""

    active: bool | None = None
    plan: str | None = None
    deductible: Amounts | None = None
    out_of_pocket: Amounts | None = None
    copay: Decimal | None = None
    coinsurance: Decimal | None = None
    """The member's share: 0.2 means 20 %."""
    rejections: tuple[str, ...] = ()
    """Why the payer did not answer about this member (AAA03), for example 72 or 75."""
    follow_ups: tuple[str, ...] = ()
    """What to do about each (AAA04)."""
    authorization_required: bool | None = None
    """Whether the payer has to agree to the service beforehand, where it says."""
    plan_dates: Dates | None = None
    messages: tuple[str, ...] = ()
    benefits: tuple[Benefit, ...] = ()
    """Everything that bears on the service, the most telling first."""


def read_eligibility(answer: MemberAnswer, service_type: str) -> Eligibility:
    benefits = _ranked(answer.benefits, service_type)
    rejected = dict(zip(answer.rejections, answer.follow_ups, strict=True))
    status = next((b for b in benefits if b.code in _ACTIVE | _INACTIVE), None)
    return Eligibility(
        active=None if status is None else status.code in _ACTIVE,
        plan=next((b.plan for b in benefits if b.code in _ACTIVE and b.plan), None),
        deductible=_amounts(benefits, "C"),
        out_of_pocket=_amounts(benefits, "G"),
        copay=next((b.amount for b in benefits if b.code == "B" and b.amount is not None), None),
        coinsurance=next(
            (b.percent for b in benefits if b.code == "A" and b.percent is not None), None
        ),
        rejections=tuple(rejected),
        follow_ups=tuple(rejected.values()),
        authorization_required=_needs_authorization(benefits),
        plan_dates=_plan_dates(answer.dates),
        messages=tuple(dict.fromkeys(text for b in benefits for text in b.messages)),
        benefits=tuple(benefits),
    )


def _needs_authorization(benefits: Sequence[Benefit]) -> bool | None:
    """Once it is needed for any part of the service, it is needed."""
    said = {benefit.authorization for benefit in benefits}
    return True if "Y" in said else False if "N" in said else None


def _plan_dates(dates: Mapping[str, Dates]) -> Dates | None:
    """As a span, or by its ends: of the plan, or else of the member's eligibility."""
    for whole, begin, end in (("291", "346", "347"), ("307", "356", "357")):
        if whole in dates:
            return dates[whole]
        if begin in dates:
            return Dates(dates[begin].start, dates.get(end, _OPEN).end)
    return None


def _ranked(benefits: Iterable[Benefit], service_type: str) -> list[Benefit]:
    """Those that bear on the service, the most telling first; equals stay in the payer's order."""

    def rank(benefit: Benefit) -> tuple[bool, bool, bool]:
        return (
            service_type not in benefit.service_types,
            benefit.coverage_level not in {"IND", ""},
            benefit.in_network == "N",
        )

    bearing = [b for b in benefits if _bears_on(b, service_type)]
    return sorted(bearing, key=rank)


def _bears_on(benefit: Benefit, service_type: str) -> bool:
    return not benefit.service_types or bool({service_type, HEALTH_PLAN} & {*benefit.service_types})


def _amounts(benefits: Sequence[Benefit], code: str) -> Amounts | None:
    """All three of one rank: a family's remainder says nothing about an individual's limit."""
    stated = [b for b in benefits if b.code == code and b.amount is not None]
    if not stated:
        return None
    first = stated[0]
    alike = [
        b
        for b in stated
        if (b.service_types, b.coverage_level, b.in_network)
        == (first.service_types, first.coverage_level, first.in_network)
    ]
    total, remaining, met = (
        next((b.amount for b in alike if b.period in periods), None)
        for periods in (_YEAR, _REMAINING, _TO_DATE)
    )
    if total is not None and remaining is not None and met is None:
        met = total - remaining
    elif total is not None and met is not None and remaining is None:
        remaining = total - met
    return Amounts(total, remaining, met)
