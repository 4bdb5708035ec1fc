"""Merging directive applications.

Of a repeatable directive every different application is kept. Otherwise the arguments are merged
where the directive has a strategy for that, and the most frequent application stands where not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from gateway.composition.merge.composable import Composable
from gateway.composition.merge.strategies import STRATEGIES
from gateway.composition.schema import Applied, Element
from gateway.composition.values import Value

Inherited: TypeAlias = Mapping[str, Sequence[Applied]]

_NOTHING: Inherited = {}


def merge_applied(
    composable: Composable, sources: Mapping[str, Element | None], inherited: Inherited = _NOTHING
) -> tuple[Applied, ...]:
    """`inherited` holds, by directive, applications on other elements that bind this one too."""
    found = _gather(composable, sources, inherited)
    return tuple(
        merged for key in sorted(found) for merged in _merge_one(composable, key, found[key])
    )


def conflicting(
    composable: Composable, sources: Mapping[str, Element | None], inherited: Inherited = _NOTHING
) -> list[str]:
    """The directives that can be applied but once, and are, with different arguments."""
    found = _gather(composable, sources, inherited)
    return [
        key
        for key in sorted(found)
        if not composable.is_repeatable(key) and len(_different(composable, key, found[key])) > 1
    ]


def _gather(
    composable: Composable, sources: Mapping[str, Element | None], inherited: Inherited
) -> dict[str, list[Applied]]:
    """All applications, by what they are merged by: the element's own first."""
    found: dict[str, list[Applied]] = {}
    for subgraph, element in sources.items():
        for directive in element.directives if element else ():
            key = composable.key(subgraph, directive)
            if key is not None:
                found.setdefault(key, []).append(_qualified(key, subgraph, directive))
    for key, applications in inherited.items():
        found.setdefault(key, []).extend(applications)
    return found


def _different(
    composable: Composable, key: str, applications: list[Applied]
) -> dict[tuple[tuple[str, Value], ...], list[Applied]]:
    """The applications by their arguments; leaving a default out is the same as giving it."""
    defaults = composable.defaults(key)
    different: dict[tuple[tuple[str, Value], ...], list[Applied]] = {}
    for application in applications:
        same = tuple(sorted({**defaults, **application.arguments}.items()))
        different.setdefault(same, []).append(application)
    return different


def _merge_one(composable: Composable, key: str, applications: list[Applied]) -> list[Applied]:
    different = _different(composable, key, applications)
    if composable.is_repeatable(key):
        return [_composed(composable, key, group[0].arguments) for group in different.values()]
    strategies = STRATEGIES.get(key)
    if strategies is None or len(different) == 1:
        most_frequent = max(different.values(), key=len)
        return [_composed(composable, key, most_frequent[0].arguments)]
    merged: dict[str, Value] = {}
    for argument, strategy in strategies.items():
        value = strategy([dict(arguments).get(argument) for arguments in different])
        if value is not None:
            merged[argument] = value
    return [_composed(composable, key, merged)]


def _composed(composable: Composable, key: str, arguments: Mapping[str, Value]) -> Applied:
    means = key if key in composable.names else None
    return Applied(composable.name(key), means, arguments)


def _qualified(key: str, subgraph: str, directive: Applied) -> Applied:
    if key != "context":
        return directive
    name = f"{subgraph}__{directive.text('name')}"
    return Applied(directive.name, directive.means, {"name": name})
