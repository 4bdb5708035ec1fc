"""From a position: which fields resolve, which keys lead elsewhere, which field sets can be had.

These three depend on each other (a key is usable if its fields can be had, perhaps by other keys;
a field with `@requires` resolves if its field set can be had), so they are solved together, as the
least fixed point: `_reached` and `_met` only grow, and are final once a round adds nothing.

A key is not usable if having its fields takes the very subgraph it leads to, nor right after the
same key led elsewhere: the direct way must do. The reference composer refuses both, and planners
rely on it. So each question comes with the subgraphs that are out of bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.context import parse_context
from gateway.composition.facts import selections_of
from gateway.composition.satisfiability.position import Position, provided_field
from gateway.composition.satisfiability.terrain import KeyMove, Terrain
from gateway.composition.schema import Argument, Field, Kind, applied, has
from gateway.composition.types import base_name

T = TypeVar("T")

# The types above a position that set contexts, with the positions one could be at there.
Ancestors = frozenset[tuple[str, frozenset[Position]]]

# The subgraphs that are out of bounds; None keeps one where one is.
Bounds = frozenset[str] | None

_FREE: Bounds = frozenset()

# Keys whose fields take keys whose fields take keys … are followed this far with all bounds kept.
_MAX_BOUNDS = 2


class Reach:
    """What can be reached while the given override labels are on or off."""

    def __init__(self, terrain: Terrain, labels: dict[str, bool], ancestors: Ancestors) -> None:
        self._terrain = terrain
        self._labels = labels
        self._ancestors = ancestors
        self._reached: dict[tuple[Position, Bounds], dict[Position, None]] = {}
        self._growing: dict[tuple[Position, Bounds], None] = {}
        self._met: dict[tuple[Position, str], bool] = {}
        self._unmet: dict[tuple[Position, str], None] = {}
        self._version = 0

    def resolve(self, position: Position, field: str) -> list[Position]:
        """Where the field leads from here or by keys; empty where it cannot be had."""
        return self._settled(lambda: self._resolve(position, field, _FREE))

    def cast(self, position: Position, type_name: str) -> list[Position]:
        """Where one is, here or by keys, once the value is known to be of an object type."""
        return self._settled(lambda: self._cast(position, type_name, _FREE))

    def reachable(self, position: Position) -> list[Position]:
        """The position itself and those on the same object that keys lead to."""
        return self._settled(lambda: self._closure(position, _FREE))

    def _settled(self, question: Callable[[], T]) -> T:
        while True:
            version = self._version
            answer = question()
            for position, bounds in list(self._growing):
                self._extend(position, bounds)
            for position, fields in list(self._unmet):
                self._try_to_meet(position, fields)
            if version == self._version:
                self._growing.clear()
                self._unmet.clear()
                return answer

    def _closure(self, position: Position, bounds: Bounds) -> list[Position]:
        if bounds is None:
            return [position]
        origin = (position, bounds)
        if origin not in self._reached:
            self._reached[origin] = {position: None}
            self._growing[origin] = None
            self._version += 1
        return list(self._reached[origin])

    def _extend(self, origin: Position, bounds: Bounds) -> None:
        """Follow what keys can be had on the spot first: that answers most of the rest."""
        reached = self._reached[origin, bounds]
        taken = {(found.subgraph, found.type) for found in reached}
        for can_have in (self._has_here, self._has_elsewhere):
            pending = list(reached)
            for position in pending:
                for target, move in self._targets(position, bounds or frozenset()):
                    at = (target.subgraph, target.type)
                    if at not in taken and (move is None or can_have(position, move, bounds)):
                        taken.add(at)
                        reached[target] = None
                        pending.append(target)
                        self._version += 1

    def _targets(
        self, position: Position, bounds: frozenset[str]
    ) -> Iterator[tuple[Position, KeyMove | None]]:
        for root in self._terrain.roots(position.type):
            yield root, None
        for move in self._terrain.keys(position):
            if move.member.name not in bounds and move.shape != position.key:
                target = self._terrain.arrival(position, move)
                if target is not None:
                    yield target, move

    def _has_here(self, position: Position, move: KeyMove, _: Bounds) -> bool:
        return self._has([anew(position)], _parsed(move.fields), None)

    def _has_elsewhere(self, position: Position, move: KeyMove, bounds: Bounds) -> bool:
        narrower = bounds or frozenset()
        if len(narrower) < _MAX_BOUNDS:
            narrower |= {move.member.name}
        return self._has([anew(position)], _parsed(move.fields), narrower)

    def _try_to_meet(self, position: Position, fields: str) -> None:
        if self._has([position], _parsed(fields), _FREE):
            self._met[position, fields] = True
            del self._unmet[position, fields]
            self._version += 1

    def _meets(self, position: Position, fields: str) -> bool:
        """Whether what `@requires` asks for is known to be had from here."""
        required = (position, fields)
        if required not in self._met:
            self._met[required] = False
            self._unmet[required] = None
            self._version += 1
        return self._met[required]

    def _resolve(self, position: Position, name: str, bounds: Bounds) -> list[Position]:
        return [
            found
            for at in self._closure(position, bounds)
            for found in self._resolve_here(at, name, bounds)
        ]

    def _resolve_here(self, position: Position, name: str, bounds: Bounds) -> list[Position]:
        type_ = self._terrain.type(position)
        if type_ is None:
            return []
        if name == "__typename":
            # What an interface object stands for, only the interface knows.
            unknown = self._terrain.is_stand_in(position)
            return [] if unknown else [Position(position.subgraph, "String")]
        field = type_.fields.get(name)
        if field is None:
            return []
        if not self._is_resolved(position, field):
            is_interface = type_.kind is Kind.INTERFACE
            return self._resolve_by_objects(position, name, bounds) if is_interface else []
        names = self._terrain.names(position.type)
        below = provided_field(position.provided, names, name) or ""
        provides = [directive.text("fields") or "" for directive in applied(field, "provides")]
        provided = " ".join(text for text in (below, *provides) if text)
        return [Position(position.subgraph, base_name(field.type), provided)]

    def _is_resolved(self, position: Position, field: Field) -> bool:
        member = self._terrain.member(position)
        names = self._terrain.names(position.type)
        is_provided = provided_field(position.provided, names, field.name) is not None
        if member.subgraph.types[position.type].kind is Kind.INTERFACE:
            return is_provided or self._is_resolved_by_all(position, field.name)
        if not self._terrain.is_in_force(member.name, field, self._labels):
            return False
        if member.facts.is_external(field) and not is_provided:
            return False
        for requires in applied(field, "requires"):
            can_return = position.key is not None or self._terrain.has_own_key(position)
            if not can_return or not self._meets(anew(position), requires.text("fields") or ""):
                return False
        return all(
            self._has_context(position, argument)
            for argument in field.arguments.values()
            if has(argument, "fromContext")
        )

    def _is_resolved_by_all(self, position: Position, name: str) -> bool:
        """Whether a field of an interface needs no look at the object behind it."""
        member = self._terrain.member(position)
        for implementation in member.subgraph.implementations(position.type):
            field = implementation.fields.get(name)
            if field is None or member.facts.is_external(field) or has(field, "requires"):
                return False
            if not self._terrain.is_in_force(member.name, field, self._labels):
                return False
        return True

    def _resolve_by_objects(self, position: Position, name: str, bounds: Bounds) -> list[Position]:
        """A field of an interface, from each object that may be behind it."""
        found: list[Position] = []
        for object_name in sorted(self._terrain.possible(position)):
            at = Position(position.subgraph, object_name, position.provided)
            inside = self._resolve(at, name, bounds)
            if not inside:
                return []
            found += inside
        return found

    def _has_context(self, position: Position, argument: Argument) -> bool:
        contexts = self._terrain.member(position).facts.contexts()
        for directive in applied(argument, "fromContext"):
            name, selection = parse_context(directive.text("field") or "")
            setters = {type_.name for type_ in contexts.get(name or "", ())}
            selections = selections_of(selection)
            if selections is None or not any(
                self._has(list(positions), selections, _FREE)
                for ancestor, positions in self._ancestors
                if setters & self._terrain.names(ancestor)
            ):
                return False
        return True

    def _cast(self, position: Position, type_name: str, bounds: Bounds) -> list[Position]:
        return [
            found
            for at in self._closure(position, bounds)
            for found in self._cast_here(at, type_name, bounds)
        ]

    def _cast_here(self, position: Position, type_name: str, bounds: Bounds) -> list[Position]:
        if self._terrain.is_stand_in(position):
            # Only with the type's name in hand does one know that it is the one asked for.
            is_known = self._resolve(position, "__typename", bounds)
            return [replace(position, key=None, stands_for=type_name)] if is_known else []
        if type_name not in self._terrain.possible(position):
            return []
        if type_name == position.type:
            return [position]
        return [Position(position.subgraph, type_name, position.provided)]

    def _has(self, positions: list[Position], selections: SelectionSetNode, bounds: Bounds) -> bool:
        """Whether all of the field set can be had from the positions."""
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                if not self._has_field(positions, selection, bounds):
                    return False
                continue
            assert isinstance(selection, InlineFragmentNode)
            if not self._has_fragment(positions, selection, bounds):
                return False
        return True

    def _has_field(self, positions: list[Position], node: FieldNode, bounds: Bounds) -> bool:
        """Here if possible: looking elsewhere is only worth it when that fails."""
        for resolve in (self._resolve_here, self._resolve):
            found = [f for at in positions for f in resolve(at, node.name.value, bounds)]
            below = node.selection_set
            if found and (below is None or self._has(found, below, bounds)):
                return True
        return False

    def _has_fragment(
        self, positions: list[Position], fragment: InlineFragmentNode, bounds: Bounds
    ) -> bool:
        if fragment.type_condition is None:
            return self._has(positions, fragment.selection_set, bounds)
        wanted = self._terrain.subgraphs.objects(fragment.type_condition.name.value)
        possible = {name for position in positions for name in self._terrain.possible(position)}
        for name in sorted(wanted & possible):
            inside = [found for at in positions for found in self._cast(at, name, bounds)]
            if not self._has(inside, fragment.selection_set, bounds):
                return False
        return True


def anew(position: Position) -> Position:
    """What a key or `@requires` asks for is fetched from here, however one came here."""
    return replace(position, key=None)


def _parsed(fields: str) -> SelectionSetNode:
    selections = selections_of(fields)
    assert selections is not None, "every field set has been checked in its subgraph"
    return selections
