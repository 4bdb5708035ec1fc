"""A place in a subgraph, and what `@provides` adds to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.facts import selections_of
from gateway.federation.field_set import FieldSetShape, print_field_set


@dataclass(frozen=True, slots=True)
class Position:
    """At an object (or abstract value) of `type` in a subgraph.

    `provided` is the field set that the path here provides. `key`: that by which the object was
    fetched just now, so that it can be again. `stands_for`: the object type that is being asked
    for where the subgraph has but an interface object.
    """

    subgraph: str
    type: str
    provided: str = ""
    key: FieldSetShape | None = None
    stands_for: str | None = None


@lru_cache(maxsize=16_384)
def provided_field(provided: str, types: frozenset[str], field: str) -> str | None:
    """What is provided below a field ("" for a leaf), or None where the field is not provided.

    `types` are the names a fragment's condition may have to count: the type and what it is.
    """
    selections = selections_of(provided) if provided else None
    if selections is None:
        return None
    found = [node for node in _fields(selections, types) if node.name.value == field]
    if not found:
        return None
    return " ".join(print_field_set(n.selection_set) for n in found if n.selection_set)


def _fields(selections: SelectionSetNode, types: frozenset[str]) -> Iterator[FieldNode]:
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            condition = selection.type_condition
            if condition is None or condition.name.value in types:
                yield from _fields(selection.selection_set, types)
