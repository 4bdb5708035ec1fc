"""What an operation did cost, counted in its answer.

The same weights as in the estimate, over the objects that are there: a null costs nothing, a list
as much as the rows it has. An answer is JSON, or Structs that are encoded as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from graphql import get_named_type

from gateway.demand.estimate import INTROSPECTION_COST, field_definition, given_arguments
from gateway.demand.inputs import Given, Variables, read_defaults
from gateway.demand.weights import CEILING, Weights
from gateway.operation.tree import (
    INTROSPECTION_FIELDS,
    Field,
    InlineFragment,
    Operation,
    SelectionSet,
)

MAX_STRUCTS: Final = 100
"""That one response key was seen in."""


@dataclass(slots=True)
class Tally:
    """How the values of one response key count; of what may stand there the dearest."""

    weight: int = 0
    given: tuple[Given, ...] = ()
    parts: dict[str, Tally] = field(default_factory=dict)
    """Only what can cost anything."""
    _of_structs: dict[type[msgspec.Struct], tuple[tuple[str, Tally], ...]] = field(
        default_factory=dict
    )

    def count(self, value: Any, variables: Variables) -> int:
        arguments = sum(each.cost(variables) for each in self.given)
        return min(CEILING, arguments + self._count(value, variables))

    def _count(self, value: Any, variables: Variables) -> int:
        if value is None:
            return 0
        if type(value) is list:
            if not self.parts and self.weight == 1 and not (value and type(value[0]) is list):
                # Most lists there are; counting them must not cost what reading them would.
                return len(value) - value.count(None)
            return sum(self._count(each, variables) for each in value)
        if not self.parts:
            return self.weight
        return self.weight + sum(
            part.count(below, variables)
            for part, below in self._below(value)
            if below is not None and below is not msgspec.UNSET
        )

    def _below(self, value: Any) -> Iterator[tuple[Tally, Any]]:
        if type(value) is dict:
            for key, part in self.parts.items():
                yield part, value.get(key)
        elif isinstance(value, msgspec.Struct):
            for attribute, part in self._attributes(type(value)):
                yield part, getattr(value, attribute)

    def _attributes(self, struct: type[msgspec.Struct]) -> tuple[tuple[str, Tally], ...]:
        """Where a Struct that is encoded as this object keeps the parts."""
        if struct not in self._of_structs:
            if len(self._of_structs) >= MAX_STRUCTS:
                # They are made anew when a program is: those of before are of no use.
                self._of_structs.clear()
            names = zip(struct.__struct_encode_fields__, struct.__struct_fields__, strict=True)
            self._of_structs[struct] = tuple(
                (attribute, self.parts[key]) for key, attribute in names if key in self.parts
            )
        return self._of_structs[struct]


def compile_tally(operation: Operation, weights: Weights) -> Tally:
    root = Tally()
    _add(root, operation.selections, weights, read_defaults(operation.variables))
    return root


def _add(tally: Tally, selections: SelectionSet, weights: Weights, defaults: Variables) -> None:
    for selection in selections:
        if isinstance(selection, InlineFragment):
            _add(tally, selection.selections, weights, defaults)
        elif selection.name != "__typename":
            known = tally.parts.setdefault(selection.response_key, Tally())
            _add_field(known, selection, weights, defaults)
            if not (known.weight or known.given or known.parts):
                del tally.parts[selection.response_key]


def _add_field(tally: Tally, selected: Field, weights: Weights, defaults: Variables) -> None:
    if selected.name in INTROSPECTION_FIELDS:
        tally.weight = INTROSPECTION_COST
        return
    definition = field_definition(weights, selected)
    named = get_named_type(definition.type)
    weight = weights.of_field(selected.parent_type, selected.name, named)
    tally.weight = max(tally.weight, weight)
    tally.given += given_arguments(selected, definition, weights, defaults)
    _add(tally, selected.selections, weights, defaults)
