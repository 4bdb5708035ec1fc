"""What a payer's benefits come to for one service type.

A 271 says the same thing several times: for an individual and a family, in and out of network, for
the plan and for a service. The most telling statement is taken: of the service asked rather than of
the plan, of the individual rather than the family, in network rather than out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from subgraphs.connectors.x12.benefits import Benefit, MemberAnswer

HEALTH_PLAN = "30"
_ACTIVE = frozenset("12345")
_INACTIVE = frozenset("678")
# EB06: the whole of a year (service, calendar, contract), or not said.
_YEAR = frozenset({"22", "23", "25", ""})
_TO_DATE = frozenset({"24"})
_REMAINING = frozenset({"29"})


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


def read_eligibility(answer: MemberAnswer, service_type: str) -> Eligibility:
    benefits = _ranked(answer.benefits, service_type)
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
        rejections=tuple(dict.fromkeys(answer.rejections)),
    )


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
