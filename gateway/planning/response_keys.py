"""Settle under which response keys the fields lie that only the plan needs.

Everything fetched ends in one tree, keyed as the client asked. A required field lies under its own
name, or under the client's alias for the same field with the same arguments, or, where its name is
taken for something else, under a name of our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.operation.tree import Argument, InlineFragment, SelectionSet
from gateway.planning.positions import Position, Step

FieldIdentity: TypeAlias = tuple[str, tuple[Argument, ...]]


@dataclass(slots=True, eq=False)
class Shape:
    """The fields at one place of the response, whatever types they are on."""

    meanings: dict[str, set[FieldIdentity]] = field(default_factory=dict)
    below: dict[str, Shape] = field(default_factory=dict)

    def key_of(self, identity: FieldIdentity) -> str:
        """The key of a required field, settled now if it was not before."""
        name = identity[0]
        if self.meanings.get(name) in (None, {identity}):
            return self.add(name, identity)
        for key, meanings in self.meanings.items():
            if meanings == {identity}:
                return key
        number = 0
        while f"_{name}_{number}" in self.meanings:
            number += 1
        return self.add(f"_{name}_{number}", identity)

    def add(self, key: str, identity: FieldIdentity) -> str:
        self.meanings.setdefault(key, set()).add(identity)
        self.below.setdefault(key, Shape())
        return key


@dataclass(frozen=True, slots=True)
class ResponseKeys:
    keys: Mapping[Position, str]
    """For each field's position."""
    shapes: Mapping[Position, Shape]
    """The shape of the object at, or around, a position."""


def settle_response_keys(selections: SelectionSet, positions: Iterable[Position]) -> ResponseKeys:
    """`positions` are those the plan takes, parents before children."""
    root = Shape()
    _add(root, selections)
    keys: dict[Position, str] = {}
    shapes: dict[Position, Shape] = {}
    for position in positions:
        if position.parent is None:
            shapes[position] = root
            continue
        shape = shapes[position.parent]
        if position.step is Step.FIELD:
            key = position.response_key
            if key is None:
                key = shape.key_of((position.name, position.arguments))
            elif key not in shape.meanings:
                shape.add(key, (position.name, position.arguments))
            keys[position] = key
            shape = shape.below[key]
        shapes[position] = shape
    return ResponseKeys(keys, shapes)


def _add(shape: Shape, selections: SelectionSet) -> None:
    for selection in selections:
        if isinstance(selection, InlineFragment):
            _add(shape, selection.selections)
        else:
            key = shape.add(selection.response_key, (selection.name, selection.arguments))
            _add(shape.below[key], selection.selections)
