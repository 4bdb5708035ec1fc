"""The deferred fragments of an operation: whether each of them is, and what they are to each other.

https://github.com/graphql/graphql-spec/pull/1110 (incremental delivery)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.operation.tree import Field, InlineFragment, Operation, Selection, SelectionSet

PRIMARY: Final = 0
"""The number of the part that is not deferred."""


@dataclass(frozen=True, slots=True)
class Deferral:
    """One deferred fragment."""

    number: int
    label: str | None
    parent: int
    """The number of the deferred fragment around it, or PRIMARY."""
    path: tuple[str, ...]
    """Response keys from the root to the object it is a fragment of; lists are not counted."""


def settle(operation: Operation, variables: Mapping[str, Any]) -> Operation:
    """Decide by the coerced variables which fragments are deferred; the others stay as they are."""
    selections = _settle(operation.selections, variables)
    if selections is operation.selections:
        return operation
    return Operation(
        operation.kind, operation.name, operation.variables, operation.root_type, selections
    )


def deferrals(selections: SelectionSet) -> tuple[Deferral, ...]:
    """Each once, an outer one before those inside it."""
    found = {each.number: each for each in _find(selections, PRIMARY, ())}
    return tuple(found[number] for number in sorted(found))


def _find(selections: SelectionSet, parent: int, path: tuple[str, ...]) -> Iterator[Deferral]:
    for selection in selections:
        if isinstance(selection, Field):
            yield from _find(selection.selections, parent, (*path, selection.response_key))
        elif selection.defer is None:
            yield from _find(selection.selections, parent, path)
        else:
            yield Deferral(selection.defer.number, selection.defer.label, parent, path)
            yield from _find(selection.selections, selection.defer.number, path)


def _settle(selections: SelectionSet, variables: Mapping[str, Any]) -> SelectionSet:
    settled = tuple(_settle_one(each, variables) for each in selections)
    unchanged = all(new is old for new, old in zip(settled, selections, strict=True))
    return selections if unchanged else settled


def _settle_one(selection: Selection, variables: Mapping[str, Any]) -> Selection:
    below = _settle(selection.selections, variables)
    if isinstance(selection, InlineFragment) and selection.defer and selection.defer.variable:
        holds = variables[selection.defer.variable]
        defer = replace(selection.defer, variable=None) if holds else None
        return replace(selection, selections=below, defer=defer)
    return selection if below is selection.selections else replace(selection, selections=below)
