"""Whether a claim, its remittances and its explanations of benefit come out at the same sums.

Charged, less every adjustment, is what was paid: implementation guide 005010X221A1, front matter,
section 1.10.2. Reversals are negative, so that all remittances of a claim together say what holds
now. Sums are of decimals as they were sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from subgraphs.connectors.x12.remittance import Adjustment, ClaimPayment, Remittance, total_of
from subgraphs.coverage.model.explanations import AMOUNT_CODES, ExplanationResource, amount_of

PATIENT = "PR"


class Problem(StrEnum):
    """What does not come out."""

    CHARGE_DIFFERS = "CHARGE_DIFFERS"
    CLAIM_UNBALANCED = "CLAIM_UNBALANCED"
    SERVICE_UNBALANCED = "SERVICE_UNBALANCED"
    SERVICES_DIFFER = "SERVICES_DIFFER"
    PATIENT_SHARE_DIFFERS = "PATIENT_SHARE_DIFFERS"
    PAYMENT_UNBALANCED = "PAYMENT_UNBALANCED"
    PAID_DIFFERS = "PAID_DIFFERS"
    LIABILITY_DIFFERS = "LIABILITY_DIFFERS"


@dataclass(frozen=True, slots=True)
class Finding:
    """Two sums that should be one."""

    problem: Problem
    expected: Decimal
    found: Decimal
    trace: str = ""
    """The remittance it is in, where it is in one."""
    service: int | None = None
    """Likewise the service, counted from 1."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """All that was taken off for one reason."""

    group: str
    reason: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Reconciliation:
    charged: Decimal
    """By the claim, or else by what was paid for it."""
    allowed: Decimal
    """What payer and patient pay together: the charge, less all adjustments but the patient's."""
    adjusted: tuple[Adjusted, ...]
    """By group and reason, each once."""
    paid: Decimal
    patient_owes: Decimal
    difference: Decimal
    """What is charged and neither adjusted nor paid; negative where more was."""
    findings: tuple[Finding, ...]


def reconcile(
    charged: Decimal | None,
    remittances: Sequence[tuple[Remittance, ClaimPayment]],
    explanations: Sequence[ExplanationResource],
) -> Reconciliation | None:
    """None as long as nothing was remitted."""
    if not remittances:
        return None
    paid = [payment for _, payment in remittances]
    remitted = _sum(each.charged for each in paid)
    whole = remitted if charged is None else charged
    adjusted = _adjusted(each for payment in paid for each in payment.every_adjustment)
    others = _sum(each.amount for each in adjusted if each.group != PATIENT)
    taken = _sum(each.amount for each in adjusted)
    total = _sum(each.paid for each in paid)
    owed = _sum(each.patient_owes for each in paid)
    findings = [
        *_differs(Problem.CHARGE_DIFFERS, whole, remitted),
        *(finding for each in remittances for finding in _within(*each)),
        *_differs(Problem.PATIENT_SHARE_DIFFERS, taken - others, owed),
        *_explained(total, owed, explanations),
    ]
    return Reconciliation(
        charged=whole,
        allowed=remitted - others,
        adjusted=tuple(adjusted),
        paid=total,
        patient_owes=owed,
        difference=whole - taken - total,
        findings=tuple(findings),
    )


def _within(transfer: Remittance, payment: ClaimPayment) -> Iterator[Finding]:
    """What one remittance does not make come out by itself."""
    trace = transfer.trace
    left = payment.charged - total_of(payment.every_adjustment)
    yield from _differs(Problem.CLAIM_UNBALANCED, left, payment.paid, trace)
    for place, service in enumerate(payment.services, 1):
        rest = service.charged - total_of(service.adjustments)
        yield from _differs(Problem.SERVICE_UNBALANCED, rest, service.paid, trace, place)
    if payment.services:
        services = _sum(each.charged for each in payment.services)
        yield from _differs(Problem.SERVICES_DIFFER, payment.charged, services, trace)
    paid = transfer.amount + transfer.difference
    yield from _differs(Problem.PAYMENT_UNBALANCED, transfer.amount, paid, trace)


def _explained(
    paid: Decimal, owed: Decimal, explanations: Sequence[ExplanationResource]
) -> Iterator[Finding]:
    """Against what the payer told the member; an amount that it does not tell contradicts none."""
    told = [each.totals for each in explanations]
    for problem, name, amount in (
        (Problem.PAID_DIFFERS, "benefit", paid),
        (Problem.LIABILITY_DIFFERS, "member_liability", owed),
    ):
        amounts = [amount_of(totals, *AMOUNT_CODES[name]) for totals in told]
        known = [each.value for each in amounts if each and each.value is not None]
        if known and len(known) == len(told):
            yield from _differs(problem, _sum(known), amount)


def _differs(
    problem: Problem,
    expected: Decimal,
    found: Decimal,
    trace: str = "",
    service: int | None = None,
) -> Iterator[Finding]:
    if expected != found:
        yield Finding(problem, expected, found, trace, service)


def _adjusted(adjustments: Iterable[Adjustment]) -> list[Adjusted]:
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for each in adjustments:
        sums[each.group, each.reason] += each.amount
    return [Adjusted(*key, amount) for key, amount in sorted(sums.items()) if amount]


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
