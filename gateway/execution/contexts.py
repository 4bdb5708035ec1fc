"""Entity calls with contextual arguments: one for each set of values that enclosing objects give.

All of them still go in one request, under response keys of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, TypeAlias

from gateway.execution.entities import CollectedCall, CollectedCallBuilder
from gateway.execution.walk import find
from gateway.execution.wire import encode
from gateway.planning.plan import (
    ContextVariable,
    EntityCall,
    FetchNode,
    Key,
    Path,
    RequiredField,
    RequiredFragment,
    Template,
)

Selections: TypeAlias = tuple[RequiredField | RequiredFragment, ...]

_ABSENT: Final = object()


def collect_in_contexts(
    node: FetchNode, template: Template, data: dict[str, Any]
) -> tuple[str, list[CollectedCall], list[CollectedCall]]:
    """The document, its calls, and calls with all that is not asked for."""
    found = [
        (number, collected)
        for number, call in enumerate(node.entities)
        for collected in _collect(call, data)
    ]
    asked = [(number, each) for number, each in found if each.representations]
    definitions, fields, calls = [], [], []
    # Calls that nobody needs are left out, and with them the variables that they alone use.
    variables: dict[str, None] = {}
    for position, (number, collected) in enumerate(asked):
        name = f"{template.prefix}{position}"
        parts = template.calls[number]
        definitions.append(name.join(parts.definitions))
        fields.append(name.join(parts.field))
        variables.update(dict.fromkeys(parts.variables))
        calls.append(_named(collected, name))
    document = f"query({','.join((*definitions, *variables))}){{{' '.join(fields)}}}"
    return document, calls, [each for _, each in found if not each.representations]


def _named(collected: CollectedCall, name: str) -> CollectedCall:
    values = {f"{name}_{number}": value for number, value in collected.values.items()}
    return replace(
        collected,
        call=replace(collected.call, response_key=name, variable=name),
        values=values,
    )


def _collect(call: EntityCall, data: dict[str, Any]) -> Iterator[CollectedCall]:
    """One for each set of values, and one for what is not asked for."""
    builders: dict[bytes, tuple[list[Any], CollectedCallBuilder]] = {}
    unasked = CollectedCallBuilder(call)
    for target, path in enumerate(call.targets):
        for value, enclosing in _find_enclosed(data, path, _levels(call)):
            values = [_read(context, enclosing) for context in call.contexts]
            if _ABSENT in values:
                unasked.skip(value)
                continue
            key = encode(values)
            if key not in builders:
                builders[key] = values, CollectedCallBuilder(call)
            builders[key][1].add(target, value)
    for values, builder in builders.values():
        yield builder.build({str(number): value for number, value in enumerate(values)})
    yield unasked.build({})


def _levels(call: EntityCall) -> tuple[int, ...]:
    """Those at which enclosing objects are read, the outermost first."""
    levels = {source.levels for context in call.contexts for source in context.sources}
    return tuple(sorted(levels, reverse=True))


def _find_enclosed(
    data: dict[str, Any], path: Path, levels: Sequence[int]
) -> Iterable[tuple[dict[str, Any], dict[int, dict[str, Any]]]]:
    """Every object at the path, with the objects that enclose it at the levels."""
    fields = [number for number, step in enumerate(path) if isinstance(step, Key)]
    places = [0, *(fields[-level] for level in levels), len(path)]
    found: list[tuple[dict[str, Any], dict[int, dict[str, Any]]]] = [(data, {})]
    for (start, end), level in zip(pairwise(places), (*levels, 0), strict=True):
        found = [
            (inner, {**enclosing, level: inner})
            for value, enclosing in found
            for inner in find(value, path[start:end])
        ]
    return found


def _read(context: ContextVariable, enclosing: dict[int, dict[str, Any]]) -> Any:
    """The argument's value; _ABSENT where the entity cannot be asked for."""
    for source in context.sources:
        value = enclosing[source.levels]
        if not source.types or value.get("__typename") in source.types:
            found = _value(value, source.selections)
            return _ABSENT if found is None and context.type.endswith("!") else found
    return _ABSENT


def _value(value: Any, selections: Selections) -> Any:
    """The one value that is selected, in the lists that lie around it."""
    if isinstance(value, list):
        items = [_value(item, selections) for item in value]
        return _ABSENT if _ABSENT in items else items
    if not isinstance(value, dict):
        return value
    for selection in selections:
        if isinstance(selection, RequiredField):
            part = value.get(selection.response_key, _ABSENT)
            return _value(part, selection.selections) if selection.selections else part
        if value.get("__typename") in selection.types:
            return _value(value, selection.selections)
    return None
