"""Whether two charts give the same instructions, as far as they can be compared.

Amounts and how often they are taken are compared as such; in words only what is said in no other
way, since no two people word an instruction alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from subgraphs.medications.model import Dosage
from subgraphs.runtime.units.quantities import agree

_SECONDS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "wk": 604_800}
"""Of the units of time that have as many always: a month or a year compares with itself alone."""
_DAILY: Final = {"QD": 1, "BID": 2, "TID": 3, "QID": 4}
"""Times a day. https://terminology.hl7.org/CodeSystem-v3-GTSAbbreviation.html"""


def doses_agree(one: Sequence[Dosage], other: Sequence[Dosage]) -> bool:
    """Both in the order in which they are to be followed."""
    return len(one) == len(other) and all(map(_agree, one, other))


def doses_shown(dosages: Sequence[Dosage]) -> str:
    return "; ".join(dosage.text or _composed(dosage) for dosage in dosages)


def _agree(one: Dosage, other: Dosage) -> bool:
    amounts = agree(one.dose, other.dose, None) if one.dose and other.dose else None
    ours, theirs = _rate(one), _rate(other)
    rates = ours == theirs if ours and theirs else None
    if False in (amounts, rates):
        return False
    # Where only one of the two can be compared the words may still say otherwise of the other.
    return None not in (amounts, rates) or _words(one) == _words(other)


def _rate(dosage: Dosage) -> tuple[Fraction, str] | None:
    """How often it is taken: times in a day, or in a unit that is no number of days."""
    timing = dosage.timing
    if timing is None:
        return None
    repeat = timing.repeat
    if repeat and repeat.frequency and repeat.period and _is_sane(repeat.period):
        times, unit = repeat.frequency / Fraction(repeat.period), repeat.period_unit or ""
        if unit in _SECONDS:
            return times * _SECONDS["d"] / _SECONDS[unit], "d"
        return times, unit
    daily = _DAILY.get(timing.code.code or "") if timing.code else None
    return None if daily is None else (Fraction(daily), "d")


def _is_sane(period: Decimal) -> bool:
    """No number that would fill the memory as a fraction."""
    return period.is_finite() and Decimal("0.001") <= period <= Decimal(1000)


def _words(dosage: Dosage) -> str:
    return " ".join((dosage.text or _composed(dosage)).casefold().split())


def _composed(dosage: Dosage) -> str:
    parts: list[object] = []
    if dosage.dose:
        parts += [dosage.dose.value, dosage.dose.unit or dosage.dose.code]
    repeat = dosage.timing.repeat if dosage.timing else None
    if repeat and repeat.frequency:
        parts.append(f"{repeat.frequency} times in {repeat.period} {repeat.period_unit}")
    return " ".join(str(part) for part in parts if part is not None)
