"""What a service would cost the member, by what the payer says today: an estimate, no promise.

The deductible comes first, then the copay, then the member's part of the rest, until what is left
to the out-of-pocket limit is used up. Plans may divide it otherwise; whoever decides is the payer.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from subgraphs.connectors.x12.eligibility import Amounts, Eligibility

CENT: Final = Decimal("0.01")
_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """All of it in the payer's currency; the member's parts and the plan's add up to `allowed`."""

    allowed: Decimal
    deductible: Decimal
    copay: Decimal
    coinsurance: Decimal
    is_complete: bool
    """Whether the payer has told all that it takes: deductible, copay or share, and limit."""

    @property
    def member(self) -> Decimal:
        return self.deductible + self.copay + self.coinsurance

    @property
    def plan(self) -> Decimal:
        return self.allowed - self.member


def estimate(told: Eligibility, allowed: Decimal) -> Estimate | None:
    """None where the coverage is not in force, or does not cover the service, or nothing is told.

    What the payer does not tell of counts as nothing, but for the limit, which then is none.
    """
    deductible, limit = _left(told.deductible), _left(told.out_of_pocket)
    shares = (told.copay, told.coinsurance)
    if not told.active or (deductible is None and shares == (None, None)):
        return None
    left = allowed if limit is None else limit
    first = min(allowed, deductible or _NONE, left)
    fixed = min(told.copay or _NONE, allowed - first, left - first)
    rest = (allowed - first - fixed) * (told.coinsurance or _NONE)
    part = min(rest.quantize(CENT, ROUND_HALF_UP), left - first - fixed)
    is_complete = None not in (deductible, limit) and shares != (None, None)
    return Estimate(allowed, first, fixed, part, is_complete)


def _left(amounts: Amounts | None) -> Decimal | None:
    """What remains; where only the whole is told, nothing is known to be met of it."""
    if amounts is None:
        return None
    return amounts.total if amounts.remaining is None else amounts.remaining
