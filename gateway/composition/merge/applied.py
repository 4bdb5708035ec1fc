"""Merging directive applications.

Of a repeatable directive every different application is kept. Otherwise the arguments are merged
where the directive has a strategy for that, and the most frequent application stands where not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.composition.merge.composable import Composable
from gateway.composition.merge.strategies import STRATEGIES
from gateway.composition.schema import Applied, Element
from gateway.composition.values import Value


def merge_applied(
    composable: Composable,
    sources: Mapping[str, Element | None],
    inherited: Mapping[str, Sequence[Applied]] | None = None,
) -> tuple[Applied, ...]:
    """`inherited` holds, by directive, applications on other elements that bind this one too."""
    found: dict[str, list[Applied]] = {key: list(more) for key, more in (inherited or {}).items()}
    own: dict[str, list[Applied]] = {}
    for subgraph, element in sources.items():
        for directive in element.directives if element else ():
            key = composable.key(subgraph, directive)
            if key is not None:
                own.setdefault(key, []).append(_qualified(key, subgraph, directive))
    for key, applications in own.items():
        found[key] = applications + found.get(key, [])
    return tuple(
        merged for key in sorted(found) for merged in _merge_one(composable, key, found[key])
    )


def _merge_one(composable: Composable, key: str, applications: list[Applied]) -> list[Applied]:
    defaults = composable.defaults(key)
    different: dict[tuple[tuple[str, Value], ...], list[Applied]] = {}
    for application in applications:
        same = tuple(sorted({**defaults, **application.arguments}.items()))
        different.setdefault(same, []).append(application)
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
