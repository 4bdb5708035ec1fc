"""Read a search from its parameters. https://hl7.org/fhir/R4/search.html

Repeated parameters all hold (and); values between commas are alternatives (or). A modifier or value
that cannot be honoured is refused; an unknown parameter is only noted, since the client chooses by
`Prefer: handling` what that means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.fhir.dates import Span, span, split_prefix
from sandbox.fhir.outcome import Refusal
from sandbox.fhir.parameters import PARAMETERS
from sandbox.fhir.reading import Kind, SearchParameter


@dataclass(frozen=True, slots=True)
class Filter:
    parameter: SearchParameter
    modifier: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """`_include=Observation:encounter` or `_revinclude=Provenance:target`."""

    source_type: str
    parameter: str
    target_type: str
    reverse: bool


@dataclass(frozen=True, slots=True)
class Search:
    type: str
    filters: tuple[Filter, ...]
    inclusions: tuple[Inclusion, ...]
    sort: tuple[tuple[SearchParameter, bool], ...]  # with: descending
    count: int | None
    unknown: tuple[str, ...]


def read_search(
    type_: str, pairs: Iterable[tuple[str, str]], base: str, *, multiple_or: bool
) -> Search:
    """`base` is this server's address: references in full are its own, and are cut down to it."""
    builder = _SearchBuilder(type_, base, multiple_or=multiple_or)
    for key, value in pairs:
        builder.add(key, value)
    return builder.build()


def read_date(parameter: SearchParameter, text: str) -> tuple[str, Span]:
    try:
        prefix, date = split_prefix(text)
        return prefix, span(date)
    except ValueError:
        raise Refusal(400, "value", f"{parameter.code} takes a date") from None


class _SearchBuilder:
    def __init__(self, type_: str, base: str, *, multiple_or: bool) -> None:
        self._type = type_
        self._base = base
        self._multiple_or = multiple_or
        self._filters: list[Filter] = []
        self._inclusions: list[Inclusion] = []
        self._sort: list[tuple[SearchParameter, bool]] = []
        self._count: int | None = None
        self._unknown: list[str] = []

    def build(self) -> Search:
        return Search(
            self._type,
            tuple(self._filters),
            tuple(self._inclusions),
            tuple(self._sort),
            self._count,
            tuple(self._unknown),
        )

    def add(self, key: str, value: str) -> None:
        name, _, modifier = key.partition(":")
        parameter = PARAMETERS[self._type].get(name)
        if parameter is not None:
            self._filters.append(self._filter(parameter, modifier, value))
        elif key in ("_include", "_revinclude"):
            self._include(key, value)
        elif key == "_sort":
            self._sort_by(value)
        elif key == "_count":
            if not _COUNT.fullmatch(value):
                raise Refusal(400, "value", "_count is a whole number, zero or more")
            self._count = int(value)
        elif key == "_summary" and value == "count":
            self._count = 0
        elif key not in _PRESENTATION:
            self._unknown.append(key)

    def _filter(self, parameter: SearchParameter, modifier: str, value: str) -> Filter:
        typed = parameter.kind is Kind.REFERENCE and modifier in PARAMETERS
        if not typed and modifier not in _MODIFIERS[parameter.kind]:
            raise Refusal(400, "not-supported", f"{parameter.code} has no modifier of this name")
        # A comma within a value is written with a backslash.
        alternatives = tuple(part.replace("\\,", ",") for part in re.split(r"(?<!\\),", value))
        if len(alternatives) > 1 and not self._multiple_or:
            raise Refusal(400, "not-supported", f"{parameter.code} takes one value here")
        if modifier == "missing":
            if value not in ("true", "false"):
                raise Refusal(400, "value", ":missing is true or false")
        elif parameter.kind is Kind.DATE:
            for text in alternatives:
                read_date(parameter, text)
        elif parameter.kind is Kind.REFERENCE:
            prefix, own = f"{modifier}/" if modifier else "", f"{self._base}/"
            alternatives = tuple(prefix + text.removeprefix(own) for text in alternatives)
        return Filter(parameter, modifier, alternatives)

    def _include(self, key: str, value: str) -> None:
        reverse = key == "_revinclude"
        source, _, rest = value.partition(":")
        code, _, target = rest.partition(":")
        parameter = PARAMETERS.get(source, {}).get(code)
        reference = parameter is not None and parameter.kind is Kind.REFERENCE
        if reference and (reverse or source == self._type):
            self._inclusions.append(Inclusion(source, code, "" if reverse else target, reverse))
        else:
            self._unknown.append(key)

    def _sort_by(self, value: str) -> None:
        for rule in value.split(","):
            parameter = PARAMETERS[self._type].get(rule.removeprefix("-"))
            if parameter is None:
                self._unknown.append("_sort")
            else:
                self._sort.append((parameter, rule.startswith("-")))


_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_PRESENTATION = frozenset({"_format", "_pretty", "_total"})
_MODIFIERS: dict[Kind, frozenset[str]] = {
    Kind.TOKEN: frozenset({"", "not", "missing"}),
    Kind.REFERENCE: frozenset({"", "missing"}),
    Kind.DATE: frozenset({"", "missing"}),
    Kind.STRING: frozenset({"", "exact", "contains", "missing"}),
}
