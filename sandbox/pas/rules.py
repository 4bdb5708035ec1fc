"""What the payer decides: by the service that is asked for, and always the same.

    E0601   CPAP device                    A1  certified
    S9123   nursing care at home, hourly   A2  half of the hours
    K0823   power wheelchair               A3  denied: a lesser device was not tried
    E1390   oxygen concentrator            A4  pended, and certified a while later
    J1745   infliximab                     A6  a biosimilar in its place
    K0861   power wheelchair, two motors   A4  pended, and denied a while later

Any other service is certified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.data.shapes import HCPCS, Coded

CPAP = Coded(HCPCS, "E0601", "Continuous positive airway pressure (CPAP) device")
NURSING = Coded(HCPCS, "S9123", "Nursing care, in the home; by registered nurse, per hour")
WHEELCHAIR = Coded(HCPCS, "K0823", "Power wheelchair, group 2 standard, captains chair")
OXYGEN = Coded(HCPCS, "E1390", "Oxygen concentrator, single delivery port")
INFLIXIMAB = Coded(HCPCS, "J1745", "Injection, infliximab, excludes biosimilar, 10 mg")
BIOSIMILAR = Coded(HCPCS, "Q5103", "Injection, infliximab-dyyb, biosimilar, (inflectra), 10 mg")
MULTI_POWER = Coded(HCPCS, "K0861", "Power wheelchair, group 3 standard, multiple power option")

_REASONS = "https://payer.example/review-reason"
NOT_TRIED = Coded(_REASONS, "step", "A lesser device was not tried")
FEWER = Coded(_REASONS, "quantity", "More than the condition calls for")
NEEDS_REVIEW = Coded(_REASONS, "review", "A physician has to look into it")
BIOSIMILAR_FIRST = Coded(_REASONS, "biosimilar", "A biosimilar comes first")


@dataclass(frozen=True, slots=True)
class Decision:
    """Of one item. `action` is a code of X12 306."""

    action: str
    reason: Coded | None = None
    service: Coded | None = None
    """What is certified in place of what was asked for."""
    share: Decimal = Decimal(1)
    """How much of the quantity is certified."""
    later: str | None = None
    """What a pended one comes to."""

    @property
    def is_pended(self) -> bool:
        return self.action == "A4"

    @property
    def is_certified(self) -> bool:
        return self.action in ("A1", "A2", "A6")

    def after_review(self, action: str | None = None) -> Decision:
        """What becomes of a pended one: as the rule says, or as whoever reviews it does."""
        decided = action or self.later or "A1"
        return Decision(decided, NOT_TRIED if decided == "A3" else None)


_CERTIFIED = Decision("A1")
_RULES: Mapping[str, Decision] = {
    NURSING.code: Decision("A2", FEWER, share=Decimal("0.5")),
    WHEELCHAIR.code: Decision("A3", NOT_TRIED),
    OXYGEN.code: Decision("A4", NEEDS_REVIEW, later="A1"),
    INFLIXIMAB.code: Decision("A6", BIOSIMILAR_FIRST, service=BIOSIMILAR),
    MULTI_POWER.code: Decision("A4", NEEDS_REVIEW, later="A3"),
}


def decide(codes: list[str]) -> Decision:
    """By the first of a service's codes that there is a rule for."""
    return next((_RULES[code] for code in codes if code in _RULES), _CERTIFIED)
