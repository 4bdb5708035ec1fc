"""Weigh each agreement by how often it comes up: in pairs of one person, and in pairs of two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import Final

from bench.identity.febrl import Records, true_pairs
from subgraphs.identity.index.comparison import compare
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.frequencies import frequencies
from subgraphs.identity.index.matching import CEILINGS
from subgraphs.identity.index.weights import Level, Weights

LINK: Final = 24.0
REVIEW: Final = 14.0
MARGIN: Final = 6.0
SURE: Final = 34.0
RANDOM_PAIRS: Final = 200_000
_HALF = 0.5
_COUNTED: Final = {
    "ssn": ("same", "slip", "different"),
    "birthDate": ("same", "slip", "year", "different"),
    "given": ("same", "slip", "neighbour", "swapped", "different"),
    "family": ("same", "slip", "swapped", "different"),
    "address": ("same", "alike", "street", "different"),
    "place": ("same", "near", "different"),
}
_SET: Final[Mapping[str, Mapping[str, Level]]] = {
    # Random pairs hold too few of these to count: numbers and birth dates are drawn from so many.
    "ssn": {
        "same": Level(m=0.862, u=5e-7),
        "slip": Level(m=0.06, u=5e-6),
        "neighbour": Level(m=0.01, u=1e-6),
        "last": Level(m=0.95, u=1e-4),
    },
    "birthDate": {"same": Level(m=0.92, u=4e-5)},
    "given": {"form": Level(m=0.03, u=1e-3), "initial": Level(m=0.01, u=0.01)},
    "family": {"part": Level(m=0.01, u=1e-4)},
    # FEBRL does not have these.
    "number": {"same": Level(m=0.9, u=1e-6)},
    "middle": {"same": Level(m=0.95, u=0.07), "different": Level(m=0.05, u=0.93)},
    "sex": {"same": Level(m=0.995, u=0.5), "different": Level(m=0.005, u=0.5)},
    "suffix": {"same": Level(m=0.98, u=0.4), "different": Level(m=0.02, u=0.6)},
    "phone": {"same": Level(m=0.7, u=1e-4), "different": Level(m=0.3, u=0.9999)},
    "email": {"same": Level(m=0.7, u=1e-5), "different": Level(m=0.3, u=0.99999)},
}
"""What no counting gives: shares by judgement."""


def tune(sets: Iterable[Records]) -> Weights:
    """Weights from sets of records whose ids tell who is who."""
    of_one: Counter[tuple[str, str]] = Counter()
    of_two: Counter[tuple[str, str]] = Counter()
    for records in sets:
        true = true_pairs(records)
        for each in sorted(true):
            _count(of_one, records[each.one], records[each.other])
        names, rng = sorted(records), Random(1)  # noqa: S311 - it has to repeat
        for _ in range(RANDOM_PAIRS):
            one, other = sorted(rng.sample(names, 2))
            if (one, other) not in true:
                _count(of_two, records[one], records[other])
    counted = {field: _levels(field, of_one, of_two) for field in _COUNTED}
    fields = {name: counted.get(name, {}) | dict(_SET.get(name, {})) for name in (*counted, *_SET)}
    return Weights(
        origin="counted on FEBRL 1, 2 and 3; what they lack, and shares too small to count there, "
        "by judgement: bench/identity/tuning.py",
        link=LINK,
        review=REVIEW,
        margin=MARGIN,
        rules=tuple(CEILINGS),
        fields=fields,
        sure=SURE,
    )


def _count(counts: Counter[tuple[str, str]], one: Features, other: Features) -> None:
    for agreement in compare(one, other, frequencies()):
        counts[agreement.field, agreement.level] += 1
        counts[agreement.field, ""] += 1


def _levels(
    field: str, of_one: Mapping[tuple[str, str], int], of_two: Mapping[tuple[str, str], int]
) -> dict[str, Level]:
    levels = _COUNTED[field]

    def share(counts: Mapping[tuple[str, str], int], level: str) -> float:
        # Half an occurrence more of each, so that what never came up is rare and not impossible.
        of = counts.get((field, ""), 0) + _HALF * len(levels)
        return float(f"{(counts.get((field, level), 0) + _HALF) / of:.3g}")

    return {name: Level(m=share(of_one, name), u=share(of_two, name)) for name in levels}
