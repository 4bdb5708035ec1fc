"""The measures of `measures.yaml` and the concepts of `concepts.yaml`, held to each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Annotated, Final, TypeAlias

import msgspec
import yaml

from subgraphs.runtime.labels.rules import SYSTEMS
from subgraphs.runtime.units.analytes import Analyte, analytes

Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
PATIENT: Final = "Patient"
# In these a code begins with its category's.
_HIERARCHIES: Final = frozenset({SYSTEMS["icd-10-cm"], SYSTEMS["icd-10-pcs"]})
_WITHIN: Final = re.compile(r"(\d+)([dmy])|season (\d\d)-(\d\d)")
_UNITS: Final = {"d": "DAY", "m": "MONTH", "y": "YEAR"}


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What a record may say; the head of the file says what each value means."""

    title: str
    types: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    codes: Mapping[str, tuple[str, ...]] = {}
    analyte: str | None = None
    unit: str | None = None

    def names(self, token: str) -> bool:
        """Whether a code, as `system|code` in the one spelling, says it."""
        system, _, code = token.partition("|")
        if system in _HIERARCHIES:
            return code.startswith(self._codes.get(system, ()))
        return code in self._codes.get(system, ())

    @cached_property
    def measured(self) -> Analyte | None:
        return analytes()[self.analyte] if self.analyte else None

    @cached_property
    def _codes(self) -> Mapping[str, tuple[str, ...]]:
        codes = {SYSTEMS[name]: listed for name, listed in self.codes.items()}
        if self.measured:
            codes[SYSTEMS["loinc"]] = (*codes.get(SYSTEMS["loinc"], ()), *self.measured.loinc)
        return codes


class Within(msgspec.Struct, frozen=True):
    """How far back something counts, on a day in question."""

    count: int = 0
    unit: str = ""
    season: tuple[int, int] | None = None
    """Month and day of its beginning."""

    def sql_start(self, on: str) -> str:
        """The day after which it counts, where `on` is SQL for the day in question."""
        if self.season is None:
            return f"CAST({on} - INTERVAL {self.count} {self.unit} AS DATE)"
        month, day = self.season
        this = f"make_date(year({on}), {month}, {day})"
        last = f"make_date(year({on}) - 1, {month}, {day})"
        return (
            f"CAST(CASE WHEN {on} >= {this} THEN {this} ELSE {last} END - INTERVAL 1 DAY AS DATE)"
        )

    def sql_due(self, last: str, on: str) -> str:
        """The day from which it is due again after `last`."""
        if self.season is None:
            return f"CAST({last} + INTERVAL {self.count} {self.unit} AS DATE)"
        return f"CAST({self.sql_start(on)} + INTERVAL 1 DAY AS DATE)"


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    concept: Name
    within: str | None = None
    at_most: str | None = None
    below: str | None = None

    @cached_property
    def window(self) -> Within | None:
        return None if self.within is None else read_within(self.within)

    @property
    def limit(self) -> tuple[str, Decimal] | None:
        """How SQL compares, and with what."""
        if self.at_most is not None:
            return "<=", Decimal(self.at_most)
        return ("<", Decimal(self.below)) if self.below is not None else None


class Population(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"conditions": "with"}
):
    ages: tuple[int, int]
    """Completed years, the first and the last."""
    sex: str | None = None
    conditions: tuple[Name, ...] = ()


class Care(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    any: tuple[Criterion, ...] = ()
    all: tuple[Criterion, ...] = ()

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        return self.any or self.all


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Name
    version: str
    title: str
    gap: str
    """What it says of whoever lacks it."""
    steward: str
    period: str
    population: Population
    care: Care
    exclusions: tuple[Criterion, ...] = ()

    @property
    def concepts(self) -> frozenset[str]:
        spoken = (c.concept for c in (*self.care.criteria, *self.exclusions))
        return frozenset({*spoken, *self.population.conditions})


class Measures(msgspec.Struct, frozen=True, dict=True):
    """All of them, and what they speak of."""

    concepts: Mapping[str, Concept]
    by_id: Mapping[str, Measure]

    def types(self, measure: Measure) -> tuple[str, ...]:
        """Every resource type that it reads, the patients' own first."""
        read = {type_ for name in measure.concepts for type_ in self.concepts[name].types}
        return (PATIENT, *sorted(read))

    @cached_property
    def exported(self) -> tuple[str, ...]:
        """Every type that any of them reads."""
        read = {type_ for measure in self.by_id.values() for type_ in self.types(measure)}
        return (PATIENT, *sorted(read - {PATIENT}))

    @cached_property
    def digest(self) -> str:
        """Changes with the concepts: what a store has left out it must then ask for again."""
        said = sorted((name, msgspec.to_builtins(each)) for name, each in self.concepts.items())
        return sha256(msgspec.json.encode(said)).hexdigest()[:16]

    def concepts_of(self, type_: str, tokens: Iterable[str]) -> list[str]:
        """What a record of a type with these codes says."""
        found = {name for token in tokens for name in self._naming(type_, token)}
        return sorted(found)

    @cached_property
    def _naming(self) -> Callable[[str, str], tuple[str, ...]]:
        def naming(type_: str, token: str) -> tuple[str, ...]:
            of_type = ((n, c) for n, c in self.concepts.items() if type_ in c.types)
            return tuple(name for name, concept in of_type if concept.names(token))

        return lru_cache(maxsize=16_384)(naming)


def read_within(text: str) -> Within:
    found = _WITHIN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is no time: 180d, 27m, 10y or season 07-01")
    if found[1]:
        return Within(int(found[1]), _UNITS[found[2]])
    month, day = int(found[3]), int(found[4])
    date(2001, month, day)  # one that every year has
    return Within(season=(month, day))


def load_measures() -> Measures:
    """Read both files; `ValueError` names what does not fit."""
    concepts = msgspec.convert(_read("concepts.yaml"), dict[Name, Concept])
    listed = msgspec.convert(_read("measures.yaml"), tuple[Measure, ...], strict=False)
    return hold_together(concepts, listed)


def hold_together(concepts: Mapping[str, Concept], listed: Iterable[Measure]) -> Measures:
    for name, concept in concepts.items():
        if unknown := sorted(set(concept.codes) - set(SYSTEMS)):
            raise ValueError(f"{name}: no such code system: {', '.join(unknown)}")
        if concept.analyte is not None and concept.analyte not in analytes():
            raise ValueError(f"{name}: no such analyte: {concept.analyte}")
    by_id: dict[str, Measure] = {}
    for measure in listed:
        if measure.id in by_id:
            raise ValueError(f"{measure.id}: there are two of it")
        _check(measure, concepts)
        by_id[measure.id] = measure
    return Measures(concepts, by_id)


def _check(measure: Measure, concepts: Mapping[str, Concept]) -> None:
    if unknown := sorted(measure.concepts - set(concepts)):
        raise ValueError(f"{measure.id}: no such concept: {', '.join(unknown)}")
    if bool(measure.care.any) == bool(measure.care.all):
        raise ValueError(f"{measure.id}: care is `any` of some criteria, or `all` of them")
    for criterion in measure.care.criteria:
        if criterion.window is None:
            raise ValueError(f"{measure.id}: {criterion.concept} counts within no time")
        numeric = concepts[criterion.concept]
        if criterion.limit and not (numeric.analyte or numeric.unit):
            raise ValueError(f"{measure.id}: {criterion.concept} is no number")


def _read(name: str) -> object:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
