"""What is measured: tests of one line in a chart, by LOINC, and the unit that line is drawn in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache, cached_property
from typing import Final

import msgspec

from subgraphs.runtime.units.ucum import Unit, read_unit, read_yaml

_LOINC: Final = "http://loinc.org|"


class Equation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """own = factor * theirs + offset."""

    unit: str
    factor: str
    offset: str


class Analyte(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A row of `analytes.yaml`, which says what each value means."""

    id: str
    name: str
    unit: str
    digits: str
    loinc: tuple[str, ...]
    molar_mass: str | None = None
    valence: str | None = None
    equations: tuple[Equation, ...] = ()

    @cached_property
    def own(self) -> Unit:
        unit = read_unit(self.unit)
        assert unit is not None, f"{self.unit} is UCUM"
        return unit

    @property
    def codes(self) -> tuple[str, ...]:
        """Each as `system|code`."""
        return tuple(_LOINC + code for code in self.loinc)

    def convert(self, value: Fraction, unit: Unit, wanted: Unit) -> Fraction | None:
        """An amount of this in another unit, exactly; None where the two do not compare."""
        if self.equations:
            own = self._by_equation(value, unit)
            return None if own is None else self._back(own, wanted)
        for one, ratio in ((unit, Fraction(1)), *self._in_other_dimensions(unit)):
            if one.compared_with(wanted):
                return one.to(wanted, value * ratio)
        return None

    def _by_equation(self, value: Fraction, unit: Unit) -> Fraction | None:
        if unit == self.own:
            return value
        for equation in self.equations:
            if unit == read_unit(equation.unit):
                return Fraction(equation.factor) * value + Fraction(equation.offset)
        return None

    def _back(self, own: Fraction, wanted: Unit) -> Fraction | None:
        if wanted == self.own:
            return own
        for equation in self.equations:
            if wanted == read_unit(equation.unit):
                return (own - Fraction(equation.offset)) / Fraction(equation.factor)
        return None

    def _in_other_dimensions(self, unit: Unit) -> Iterable[tuple[Unit, Fraction]]:
        """The unit with mass, amount of substance and equivalents put for each other."""
        per_mol = {"mol": Fraction(1)}
        if self.molar_mass:
            per_mol["g"] = Fraction(self.molar_mass)
        if self.valence:
            per_mol["eq"] = Fraction(self.valence)
        dimension = dict(unit.dimension)
        for base, held in per_mol.items():
            if dimension.get(base) != 1:
                continue
            rest = [(name, power) for name, power in unit.dimension if name != base]
            for other, amount in per_mol.items():
                if other != base and other not in dimension:
                    changed = tuple(sorted([*rest, (other, 1)]))
                    yield Unit(unit.factor, changed), amount / held


@cache
def analytes() -> Mapping[str, Analyte]:
    """All of them, by id."""
    rows = msgspec.convert(read_yaml("analytes.yaml"), tuple[Analyte, ...])
    return {row.id: row for row in rows}


@cache
def _by_code() -> Mapping[str, Analyte]:
    return {code: analyte for analyte in analytes().values() for code in analyte.codes}


def analyte_of(codes: Iterable[str]) -> Analyte | None:
    """What a result coded with these, each as `system|code`, is a measurement of."""
    known = _by_code()
    return next((known[code] for code in codes if code in known), None)
