"""UCUM expressions as exact factors of base units.

A unit is read once and kept. All numbers are fractions: nothing passes through a float. The syntax
is UCUM's, case sensitive: https://ucum.org/ucum#section-Syntax-Rules
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec
import yaml

SYSTEM: Final = "http://unitsofmeasure.org"
_TOKEN: Final = re.compile(
    r"(?P<annotation>\{[\x20-\x7e]*?\})"
    r"|(?P<operator>[./()])"
    r"|(?P<symbol>10[*^]|(?:\[[^\[\]{}\s]*\]|[A-Za-z_%'])+)(?P<exponent>[+-]?\d{1,3})?"
    r"|(?P<number>\d{1,9})"
)
_MOST: Final = 60
"""Characters of the longest expression that is read: those of laboratories are shorter."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` base units of a dimension; a scale such as °C has its own zero besides."""

    factor: Fraction
    dimension: tuple[tuple[str, int], ...]
    """Base units and their exponents, sorted, none of them zero."""
    zero: Fraction = Fraction(0)

    def is_scale(self) -> bool:
        return bool(self.zero)

    def compared_with(self, other: Unit) -> bool:
        return self.dimension == other.dimension

    def to(self, other: Unit, value: Fraction) -> Fraction:
        """A value in this unit as one in another of the same dimension."""
        assert self.compared_with(other), "only units of one dimension convert"
        return (value * self.factor + self.zero - other.zero) / other.factor


class UnknownUnitError(Exception):
    """Not UCUM, or a unit that is not in the table."""


@lru_cache(maxsize=2048)
def read_unit(text: str) -> Unit | None:
    """The unit of a UCUM expression; None for anything else."""
    try:
        return _Reader(text).read()
    except UnknownUnitError:
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def read(self) -> Unit:
        unit = self._term()
        if self._at < len(self._tokens):
            raise UnknownUnitError
        return unit

    def _term(self) -> Unit:
        result, sign = _ONE, 1
        if self._takes("/"):
            sign = -1
        while True:
            result = _times(result, self._component(), sign)
            if self._takes("."):
                sign = 1
            elif self._takes("/"):
                sign = -1
            else:
                return result

    def _component(self) -> Unit:
        if self._takes("("):
            unit = self._term()
            if not self._takes(")"):
                raise UnknownUnitError
            return unit
        match = self._next()
        if match["annotation"]:
            return _ONE
        if match["number"]:
            unit = Unit(Fraction(match["number"]), ())
            if not unit.factor:
                raise UnknownUnitError
        elif match["symbol"]:
            unit = _power(_atom(match["symbol"]), int(match["exponent"] or 1))
        else:
            raise UnknownUnitError
        if self._at < len(self._tokens) and self._tokens[self._at]["annotation"]:
            self._at += 1
        return unit

    def _next(self) -> re.Match[str]:
        if self._at == len(self._tokens):
            raise UnknownUnitError
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, operator: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at]["operator"] == operator
        self._at += found
        return found


def _tokens(text: str) -> list[re.Match[str]]:
    if not text or len(text) > _MOST:
        raise UnknownUnitError
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnknownUnitError
        found.append(match)
        at = match.end()
    return found


_ONE: Final = Unit(Fraction(1), ())


def _times(one: Unit, other: Unit, sign: int) -> Unit:
    if one.is_scale() or other.is_scale():
        # `Cel` alone is a scale; multiplied it would be a difference, which nobody sends.
        if one is _ONE and sign == 1:
            return other
        raise UnknownUnitError
    dimension = Counter(dict(one.dimension))
    for base, exponent in other.dimension:
        dimension[base] += sign * exponent
    left = tuple(sorted((base, e) for base, e in dimension.items() if e))
    return Unit(one.factor * other.factor**sign, left)


def _power(unit: Unit, exponent: int) -> Unit:
    if exponent == 1:
        return unit
    if unit.is_scale() or not exponent:
        raise UnknownUnitError
    dimension = tuple((base, e * exponent) for base, e in unit.dimension)
    return Unit(unit.factor**exponent, dimension)


@cache
def _atom(symbol: str) -> Unit:
    """A unit by its symbol, or a metric one with a prefix: `mm[Hg]` is a thousandth of `m[Hg]`."""
    table = _table()
    if symbol in table.base or symbol in table.arbitrary:
        return Unit(Fraction(1), ((symbol, 1),))
    if symbol in table.scales:
        scale = table.scales[symbol]
        return Unit(Fraction(scale.factor), (("K", 1),), Fraction(scale.zero))
    defined = table.metric.get(symbol) or table.others.get(symbol)
    if defined is not None:
        size, unit = defined
        return _times(Unit(Fraction(size), ()), _Reader(unit).read(), 1)
    for length in (1, 2):
        prefix, metric = symbol[:length], symbol[length:]
        if prefix in table.prefixes and metric in table.prefixable:
            return _times(Unit(Fraction(table.prefixes[prefix]), ()), _atom(metric), 1)
    raise UnknownUnitError


class _Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    factor: str
    zero: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `ucum.yaml`."""

    base: tuple[str, ...]
    arbitrary: tuple[str, ...]
    prefixes: Mapping[str, str]
    metric: Mapping[str, tuple[str, str]]
    others: Mapping[str, tuple[str, str]]
    scales: Mapping[str, _Scale]

    @property
    def prefixable(self) -> frozenset[str]:
        # Of the arbitrary ones the international unit is metric: `m[IU]/L`, `k[IU]/L`.
        return frozenset((*self.base, *self.metric, "[IU]", "[CFU]", "osm"))


@cache
def _table() -> _Table:
    return msgspec.convert(read_yaml("ucum.yaml"), _Table)


def read_yaml(name: str) -> object:
    """A YAML file of this package, its numbers left as text: a float would not be exact."""
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
