"""How the arguments of a directive merge that two subgraphs apply differently to one element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TypeAlias

from gateway.composition.problems import CompositionError, problem
from gateway.composition.values import Number, Value

Strategy: TypeAlias = Callable[[Sequence[Value]], Value]
Conditions: TypeAlias = frozenset[frozenset[str]]

MAX_ALTERNATIVES = 1_000
"""Alternatives that the subgraphs' conditions on one element may come to when all must hold."""


def both(values: Sequence[Value]) -> Value:
    """AND of conditions in disjunctive normal form: `[[a, b], [c]]` is (a and b) or c."""
    merged = conjunction([read_conditions(value) for value in values])
    ordered = sorted((sorted(group) for group in merged), key=lambda group: (len(group), group))
    return tuple(tuple(group) for group in ordered)


def read_conditions(value: Value) -> Conditions:
    """An empty list asks for nothing, as `[[]]` does: routers read it so."""
    groups = value if isinstance(value, tuple) else ()
    read = frozenset(
        frozenset(str(item) for item in (group if isinstance(group, tuple) else (group,)))
        for group in groups
    )
    return read or frozenset({frozenset[str]()})


def conjunction(conditions: Sequence[Conditions]) -> Conditions:
    """What satisfies all of them, without the groups that ask more than another one does.

    Raises CompositionError for more than `MAX_ALTERNATIVES`: they multiply with each subgraph.
    """
    merged: Conditions = frozenset({frozenset[str]()})
    for condition in dict.fromkeys(conditions):
        if len(merged) * len(condition) > MAX_ALTERNATIVES:
            message = f"its subgraphs' scopes or policies make over {MAX_ALTERNATIVES} alternatives"
            raise CompositionError((problem("MAX_ACCESS_CONDITIONS_EXCEEDED", message),))
        merged = _simplest(frozenset(left | right for left, right in product(merged, condition)))
    return merged


def implies(condition: Conditions, other: Conditions) -> bool:
    """Whether whoever satisfies `condition` satisfies `other` as well."""
    return all(any(group >= asked for asked in other) for group in condition)


def _simplest(conditions: Conditions) -> Conditions:
    return frozenset(
        group for group in conditions if not any(other < group for other in conditions)
    )


def _maximum(values: Sequence[Value]) -> Value:
    numbers = [value for value in values if isinstance(value, Number)]
    return max(numbers, key=lambda number: float(number.text), default=None)


def _union(values: Sequence[Value]) -> Value:
    lists = [value for value in values if isinstance(value, tuple)]
    return tuple(dict.fromkeys(item for items in lists for item in items)) if lists else None


def _all(values: Sequence[Value]) -> Value:
    flags = [value for value in values if isinstance(value, bool)]
    return all(flags) if flags else None


STRATEGIES: Mapping[str, Mapping[str, Strategy]] = {
    "requiresScopes": {"scopes": both},
    "policy": {"policies": both},
    "cost": {"weight": _maximum},
    "listSize": {
        "assumedSize": _maximum,
        "slicingArguments": _union,
        "sizedFields": _union,
        "requireOneSlicingArgument": _all,
    },
}
