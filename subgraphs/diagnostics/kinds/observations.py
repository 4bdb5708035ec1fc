"""What makes two measurements one fact, and which of a source's results stands.

Two charts tell of one measurement when what was measured and the moment are the same; if then the
values differ, that is a conflict on one node. Where only the day is known, two results of a day may
well be two, so the values must agree. Amounts are compared in one unit (`runtime.units`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from subgraphs.diagnostics.model import ENTERED_IN_ERROR, Measured, Observation
from subgraphs.runtime.fhir import CodeableConcept, Quantity, canonical_code, subjects, tokens
from subgraphs.runtime.kinds import Detail, Kind, Versions
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.moments import day_of, has_time, moments_agree
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.units.analytes import Analyte, analyte_of
from subgraphs.runtime.units.quantities import agree

_Value: TypeAlias = tuple[Quantity | None, Analyte | None, tuple[object, ...]]

# https://hl7.org/fhir/R4/valueset-observation-status.html: what corrects, and what is not done yet.
_CORRECTED: Final = frozenset({"corrected", "amended", "appended"})
_UNFINISHED: Final = frozenset({None, "registered", "preliminary", "unknown"})


def measured_of(measured: Measured) -> Analyte | None:
    """The analyte, by any of its codes."""
    return analyte_of(sorted(subjects(measured.code)))


def _value(measured: Measured) -> _Value | None:
    """What was found: the amount and what it is of, and every other form of value."""
    concept = measured.value_codeable_concept
    others = (
        canonical_code(concept) or (concept.text if concept else None),
        measured.value_string,
        measured.value_boolean,
        measured.value_integer,
        measured.value_range,
        measured.value_ratio,
        measured.value_time,
        measured.value_date_time,
        measured.value_period,
    )
    quantity = measured.value_quantity
    if quantity is None and all(other is None for other in others):
        return None
    return quantity, measured_of(measured), others


def _values_agree(one: _Value, other: _Value) -> bool:
    (ours, analyte, _), (theirs, _, _) = one, other
    if ours is not None and theirs is not None:
        return agree(ours, theirs, analyte) is True
    return ours is theirs and one[2] == other[2]


def _shown(value: _Value) -> str:
    quantity, _, others = value
    if quantity is not None:
        parts = (quantity.comparator, quantity.value, quantity.unit or quantity.code)
        return " ".join(str(part) for part in parts if part is not None)
    return ", ".join(str(other) for other in others if other is not None)


def _parts(observation: Observation) -> Mapping[str, _Value] | None:
    """The values of its components by what they are of."""
    coded = ((canonical_code(part.code), _value(part)) for part in observation.component)
    return {code: value for code, value in coded if code and value} or None


def _parts_agree(one: Mapping[str, _Value], other: Mapping[str, _Value]) -> bool:
    return all(_values_agree(one[code], other[code]) for code in one.keys() & other.keys())


def _parts_shown(parts: Mapping[str, _Value]) -> str:
    return ", ".join(
        f"{code.partition('|')[2]} {_shown(value)}" for code, value in sorted(parts.items())
    )


def _same_observation(observation: Observation) -> object:
    code, day = canonical_code(observation.code), day_of(observation.effective)
    return (code, day) if code and day else None


def _apart(one: Observation, other: Observation) -> int | None:
    """0 for one moment, 1 for one day."""
    if not moments_agree(one.effective or "", other.effective or ""):
        return None
    if has_time(one.effective) and has_time(other.effective):
        return 0
    return 1 if _contents_agree(one, other) else None


def _contents_agree(one: Observation, other: Observation) -> bool:
    ours, theirs = _value(one), _value(other)
    values = ours is theirs if ours is None or theirs is None else _values_agree(ours, theirs)
    parts = _parts(one), _parts(other)
    return values and (None in parts or _parts_agree(parts[0] or {}, parts[1] or {}))


def _versions(observation: Observation) -> Versions:
    occasion = (canonical_code(observation.code), rank(observation.effective))
    known = all(occasion)
    numbers = sorted(
        f"{number.system}|{number.value}" for number in observation.identifier if number.value
    )
    return Versions(
        replaces=observation.replaces,
        result=(numbers[0], *occasion) if numbers and known else None,
        # Of a day there may be several results: that one corrects does not tell which.
        occasion=occasion if known and has_time(observation.effective) else None,
        corrects=observation.status in _CORRECTED,
    )


def _named(observation: Observation) -> Iterator[CodeableConcept | None]:
    """Itself, its value, its parts and theirs."""
    yield observation.code
    yield observation.value_codeable_concept
    for part in observation.component:
        yield part.code
        yield part.value_codeable_concept


_DETAILS: Final[tuple[Detail[Any], ...]] = (
    Detail("value", _value, shown=_shown, agree=_values_agree),
    Detail("components", _parts, shown=_parts_shown, agree=_parts_agree),
    Detail("status", lambda observation: observation.status),
)

OBSERVATIONS: Final[Kind[Observation]] = Kind(
    type="Observation",
    rank=lambda observation: rank(observation.effective or observation.issued),
    same=_same_observation,
    distance=_apart,
    details=_DETAILS,
    # What was corrected last stands, whichever source still holds what it replaced.
    weight=lambda observation: (
        observation.status in _CORRECTED,
        observation.status not in _UNFINISHED,
        rank(observation.issued),
    ),
    versions=_versions,
    tokens=lambda o: {"category": tokens(o.category), "code": tokens([o.code])},
    retracted=lambda observation: observation.status == ENTERED_IN_ERROR,
    subject=lambda o: subjects(o.code),
    mentions=lambda o: mentions_of(*_named(o)) | words(o.value_string),
)
