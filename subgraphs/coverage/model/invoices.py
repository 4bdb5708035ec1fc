"""What a patient owes for a claim once it is decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from subgraphs.connectors.x12.remittance import ClaimPayment, Remittance
from subgraphs.coverage.model.explanations import AMOUNT_CODES, ExplanationResource, amount_of

_CENTS = Decimal(100)


@dataclass(frozen=True, slots=True)
class Bill:
    """In whole cents, since that is what can be paid."""

    owed: int
    issued: str
    """The day it was decided."""


def bill_of(
    remittances: Sequence[tuple[Remittance, ClaimPayment]],
    explanations: Sequence[ExplanationResource],
) -> Bill | None:
    """By what was remitted, or as long as nothing was, by what the payer explained.

    What the member has paid at the visit, as the payer was told, is owed no more. None where
    nothing was decided, or nothing is owed.
    """
    told = [each.totals for each in explanations]
    settled = _sum(amount_of(totals, *AMOUNT_CODES["paid_by_patient"]) for totals in told)
    if remittances:
        owed = sum((paid.patient_owes for _, paid in remittances), Decimal(0))
        days = [transfer.paid_on for transfer, _ in remittances if transfer.paid_on]
        issued = max(days, default=date.min).isoformat() if days else ""
    else:
        owed = _sum(amount_of(totals, *AMOUNT_CODES["member_liability"]) for totals in told)
        issued = max((each.created or "" for each in explanations), default="")[:10]
    cents = in_cents(owed - settled)
    return Bill(cents, issued) if cents > 0 else None


def in_cents(amount: Decimal) -> int:
    return int((amount * _CENTS).to_integral_value(ROUND_HALF_UP))


def from_cents(cents: int) -> Decimal:
    return (Decimal(cents) / _CENTS).quantize(Decimal("0.01"))


def _sum(amounts: Iterable[object]) -> Decimal:
    known = (getattr(each, "value", None) for each in amounts)
    return sum((each for each in known if isinstance(each, Decimal)), Decimal(0))
