"""Quantities in one unit: converted exactly, rounded once, and only where that can be right.

The arithmetic is of fractions, so a conversion loses nothing. A converted value is then rounded
half to even, once, to the decimals laboratories report the analyte in; one that already is in the
unit asked for stays digit for digit as it was sent. A unit that is unknown, or of another
dimension, converts to nothing: the amount is kept as it is and never compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from typing import Final

import msgspec

from subgraphs.runtime.fhir import Quantity
from subgraphs.runtime.units.analytes import Analyte
from subgraphs.runtime.units.ucum import SYSTEM, Unit, read_unit, read_yaml

_LEAST_DIGITS: Final = 3
_MOST_DIGITS: Final = 30
"""Numbers longer than any instrument's are left alone: `1e999999` would fill the memory."""
_PRECISE: Final = Context(prec=2000)


def normalized(
    quantity: Quantity | None, analyte: Analyte | None, unit: str | None = None
) -> Quantity | None:
    """An amount in a UCUM unit, or in the analyte's own; None where it cannot be said.

    Without an analyte it converts within one dimension only: mg/dL to g/L.
    """
    text = unit or (analyte.unit if analyte else None)
    wanted = read_unit(text) if text else None
    if quantity is None or quantity.value is None or wanted is None or not _is_sane(quantity.value):
        return None
    for given in _units(quantity):
        value = _converted(quantity.value, given, analyte, wanted)
        if value is not None:
            if given != wanted:
                shown = _rounded(value, quantity.value, analyte if unit is None else None)
            else:
                shown = quantity.value
            return Quantity(shown, quantity.comparator, text, SYSTEM, text)
    return None


def agree(one: Quantity, other: Quantity, analyte: Analyte | None) -> bool | None:
    """Whether two amounts are the same as far as their digits go; None where they do not compare.

    100 mg/dL and 2.59 mmol/L of LDL cholesterol agree: each is known to half a unit of its last
    digit, and so far they do not contradict each other.
    """
    if one.value is None or other.value is None or one.comparator != other.comparator:
        return one.value is None and other.value is None and one.comparator == other.comparator
    if (one.unit, one.code) == (other.unit, other.code):
        return one.value == other.value
    if not _is_sane(one.value) or not _is_sane(other.value):
        return None
    for theirs in _units(other):
        for ours in _units(one):
            value = _converted(one.value, ours, analyte, theirs)
            if value is not None and ours == theirs:
                return one.value == other.value
            if value is not None:
                step = _converted(one.value + _half(one.value), ours, analyte, theirs)
                assert step is not None, "what converts once converts again"
                doubt = abs(step - value) + Fraction(_half(other.value))
                return abs(value - Fraction(other.value)) <= doubt
    return None


def _converted(
    value: Decimal, given: Unit, analyte: Analyte | None, wanted: Unit
) -> Fraction | None:
    if analyte is not None:
        return analyte.convert(Fraction(value), given, wanted)
    return given.to(wanted, Fraction(value)) if given.compared_with(wanted) else None


def _units(quantity: Quantity) -> Iterator[Unit]:
    """What its unit may mean, the likeliest first.

    A code is UCUM unless that converts to nothing: an older feed's `F` would be a farad. Words are
    first read as people write them: `Mg/dL` is a milligram with a capital, not a megagram.
    """
    for text, read in (
        (quantity.code, (read_unit, _spelled)),
        (quantity.unit, (_spelled, read_unit)),
    ):
        yield from (unit for each in read if text and (unit := each(text)) is not None)


def _spelled(text: str) -> Unit | None:
    # There are two letters mu, and feeds take either.
    plain = "".join(text.split()).lower().replace("\N{GREEK SMALL LETTER MU}", "\N{MICRO SIGN}")
    meant = _spellings().get(plain)
    return read_unit(meant) if meant else None


@cache
def _spellings() -> dict[str, str]:
    return msgspec.convert(read_yaml("spellings.yaml"), dict[str, str])


def _is_sane(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "finite"
    return len(digits) <= _MOST_DIGITS and abs(exponent) <= _MOST_DIGITS


def _half(value: Decimal) -> Decimal:
    """Half a unit of the last digit."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), "finite"
    return Decimal((0, (5,), exponent - 1))


def _rounded(value: Fraction, sent: Decimal, analyte: Analyte | None) -> Decimal:
    """To the analyte's decimals, or else to as many significant digits as were sent, at least 3."""
    if analyte is not None:
        return _to_places(value, int(analyte.digits))
    digits = max(_LEAST_DIGITS, len(sent.as_tuple().digits))
    places, size = digits, abs(value)
    while size >= 1:
        places, size = places - 1, size / 10
    while size and size < Fraction(1, 10):
        places, size = places + 1, size * 10
    return _to_places(value, max(places, 0))


def _to_places(value: Fraction, places: int) -> Decimal:
    # Python rounds a fraction half to even, exactly.
    return Decimal(round(value * 10**places)).scaleb(-places, _PRECISE)
