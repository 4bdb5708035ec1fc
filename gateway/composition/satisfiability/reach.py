"""From a position: which fields resolve, which keys lead elsewhere, which field sets can be had.

A key is not usable if having its fields takes the very subgraph it leads to, nor right after the
same key led elsewhere: the direct way must do. The reference composer refuses both, and planners
rely on it. So each question comes with the subgraphs that are out of bounds.

These three depend on each other (a key is usable if its fields can be had, perhaps by other keys;
a field with `@requires` resolves if its field set can be had), so they are solved together, as the
least fixed point: `_reached` and `_met` only grow, and are final once a round adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.context import parse_context
from gateway.composition.facts import selections_of
from gateway.composition.merge.overrides import NOT_OVERRIDDEN, override_states
from gateway.composition.satisfiability.position import Position, provided_field
from gateway.composition.schema import (
    COMPOSITE,
    ROOTS,
    Applied,
    Argument,
    Field,
    Kind,
    TypeDefinition,
    applied,
    has,
)
from gateway.composition.subgraphs import Member, Subgraphs
from gateway.composition.types import base_name
from gateway.federation.field_set import FieldSetShape, field_set_shape

T = TypeVar("T")

# Where one starts, and the subgraphs that are out of bounds.
_Origin = tuple[Position, frozenset[str]]

_NOWHERE: frozenset[str] = frozenset()

# The types above a position that set contexts, with the positions one could be at there.
Ancestors = frozenset[tuple[str, frozenset[Position]]]


class Overridden:
    """Which fields `@override` takes from their subgraphs, always or by a label."""

    def __init__(self, subgraphs: Subgraphs) -> None:
        self.always: set[tuple[str, str]] = set()
        self.labelled: dict[tuple[str, str], tuple[str, bool]] = {}
        self.labels: dict[str, str] = {}
        for type_name, field_name, sources in subgraphs.fields():
            coordinate = f"{type_name}.{field_name}"
            states = override_states(subgraphs, type_name, field_name, sources)
            for subgraph, state in states.items():
                if state.label:
                    takes_over = not state.is_overridden
                    self.labelled[subgraph, coordinate] = (state.label, takes_over)
                    self.labels[coordinate] = state.label
                elif states.get(subgraph, NOT_OVERRIDDEN).is_overridden:
                    self.always.add((subgraph, coordinate))


class Reach:
    """What can be reached while the given override labels are on or off."""

    def __init__(
        self,
        subgraphs: Subgraphs,
        overridden: Overridden,
        labels: Mapping[str, bool],
        ancestors: Ancestors,
    ) -> None:
        self._subgraphs = subgraphs
        self._overridden = overridden
        self._labels = labels
        self._ancestors = ancestors
        self._reached: dict[_Origin, dict[Position, None]] = {}
        self._unsettled: dict[_Origin, None] = {}
        self._met: dict[tuple[Position, str], bool] = {}
        self._unmet: dict[tuple[Position, str], None] = {}
        self._version = 0

    def resolve(self, position: Position, field: str) -> list[Position]:
        """Where the field leads from here or by keys; empty where it cannot be had."""
        return self._settled(lambda: self._resolve(position, field, _NOWHERE))

    def cast(self, position: Position, type_name: str) -> list[Position]:
        """Where one is, here or by keys, once the value is known to be of an object type."""
        return self._settled(
            lambda: [
                found
                for at in self._closure(position, _NOWHERE)
                for found in self._cast_here(at, type_name, _NOWHERE)
            ]
        )

    def reachable(self, position: Position) -> list[Position]:
        """The position itself and those on the same object that keys lead to."""
        return self._settled(lambda: self._closure(position, _NOWHERE))

    def keys_from(self, position: Position) -> Iterator[tuple[Member, Applied, str]]:
        """The resolvable keys by which other subgraphs would take over, and on which type."""
        names = [position.type]
        if self._subgraphs.kinds.get(position.type) is Kind.OBJECT:
            names += self._subgraphs.interfaces.get(position.type, ())
        for member in self._subgraphs.members:
            if member.name == position.subgraph:
                continue
            for name in names:
                type_ = member.subgraph.types.get(name)
                if type_ is None or (
                    name != position.type and not member.facts.is_interface_object(type_)
                ):
                    continue
                for key in applied(type_, "key"):
                    if key.arguments.get("resolvable", True) is not False:
                        yield member, key, name

    def _settled(self, question: Callable[[], T]) -> T:
        while True:
            version = self._version
            answer = question()
            self._extend()
            if version == self._version:
                self._unsettled.clear()
                self._unmet.clear()
                return answer

    def _extend(self) -> None:
        for origin in list(self._unsettled):
            reached = self._reached[origin]
            for position in list(reached):
                for found in self._moves(position, reached, origin[1]):
                    reached[found] = None
                    self._version += 1
        for required in list(self._unmet):
            position, fields = required
            selections = selections_of(fields)
            if selections is not None and self._has([position], selections, _NOWHERE):
                self._met[required] = True
                del self._unmet[required]
                self._version += 1

    def _meets(self, position: Position, fields: str) -> bool:
        """Whether what `@requires` asks for is known to be had from here."""
        required = (position, fields)
        if required not in self._met:
            self._met[required] = False
            self._unmet[required] = None
            self._version += 1
        return self._met[required]

    def _closure(self, position: Position, excluded: frozenset[str]) -> list[Position]:
        origin = (position, excluded)
        if origin not in self._reached:
            self._reached[origin] = {position: None}
            self._unsettled[origin] = None
            self._version += 1
        return list(self._reached[origin])

    def _moves(
        self, position: Position, reached: Mapping[Position, None], excluded: frozenset[str]
    ) -> Iterator[Position]:
        taken = {(found.subgraph, found.type, found.key) for found in reached}
        if position.type in ROOTS.values():
            for member in self._subgraphs.members:
                here = member.subgraph.types.get(position.type)
                if here and here.fields and (member.name, position.type, None) not in taken:
                    taken.add((member.name, position.type, None))
                    yield Position(member.name, position.type)
        for member, key, type_name in self.keys_from(position):
            selections = selections_of(key.text("fields"))
            if member.name in excluded or selections is None:
                continue
            shape = field_set_shape(selections)
            target = self._arrival(member, position, type_name, shape)
            if target is None or (target.subgraph, target.type, shape) in taken:
                continue
            if position.key == shape:
                continue
            if self._has([anew(position)], selections, excluded | {member.name}):
                taken.add((target.subgraph, target.type, shape))
                yield target

    def _arrival(
        self, member: Member, position: Position, type_name: str, key: FieldSetShape
    ) -> Position | None:
        """Where a key on `type_name` leads; an interface is narrowed to the object asked for."""
        type_ = member.subgraph.types[type_name]
        wanted = position.stands_for
        if member.facts.is_interface_object(type_):
            kind = self._subgraphs.kinds.get(position.type)
            stands_for = position.type if kind is Kind.OBJECT else wanted
            return Position(member.name, type_name, key=key, stands_for=stands_for)
        if wanted is None:
            return Position(member.name, type_name, key=key)
        if wanted in member.subgraph.possible_types(type_name):
            return Position(member.name, wanted, key=key)
        return None

    def _resolve(self, position: Position, name: str, excluded: frozenset[str]) -> list[Position]:
        return [
            found
            for at in self._closure(position, excluded)
            for found in self._resolve_here(at, name, excluded)
        ]

    def _resolve_here(
        self, position: Position, name: str, excluded: frozenset[str]
    ) -> list[Position]:
        member = self._subgraphs.by_name[position.subgraph]
        type_ = member.subgraph.types.get(position.type)
        if type_ is None:
            return []
        if name == "__typename":
            # What an interface object stands for, only the interface knows.
            is_stand_in = member.facts.is_interface_object(type_)
            return [] if is_stand_in else [Position(position.subgraph, "String")]
        field = type_.fields.get(name)
        if field is None or not self._is_resolved(member, position, type_, field):
            return self._resolve_by_objects(member, position, type_, name, excluded)
        below = provided_field(position.provided, self._names(position.type), name) or ""
        provides = [directive.text("fields") or "" for directive in applied(field, "provides")]
        provided = " ".join(text for text in (below, *provides) if text)
        return [Position(position.subgraph, base_name(field.type), provided)]

    def _is_resolved(
        self, member: Member, position: Position, type_: TypeDefinition, field: Field
    ) -> bool:
        if type_.kind is Kind.INTERFACE:
            return self._is_resolved_by_all(member, position, type_, field.name)
        if not self._is_in_force(member, field):
            return False
        if member.facts.is_external(field):
            names = self._names(position.type)
            if provided_field(position.provided, names, field.name) is None:
                return False
        for requires in applied(field, "requires"):
            if not self._can_return(member, position, type_):
                return False
            if not self._meets(anew(position), requires.text("fields") or ""):
                return False
        return all(
            self._has_context(member, argument)
            for argument in field.arguments.values()
            if has(argument, "fromContext")
        )

    def _is_in_force(self, member: Member, field: Field) -> bool:
        key = (member.name, field.coordinate)
        if key in self._overridden.always:
            return False
        label, takes_over = self._overridden.labelled.get(key, (None, True))
        return label is None or self._labels.get(label) is takes_over

    def _can_return(self, member: Member, position: Position, type_: TypeDefinition) -> bool:
        """After fetching what a field requires, one must find the object again by a key."""
        if position.key is not None or type_.name in ROOTS.values():
            return True
        for key in applied(type_, "key"):
            fields = member.facts.selected(type_.name, key)
            if not any(
                member.facts.is_external(f)
                or (member.name, f.coordinate) in self._overridden.always
                for f in fields
            ):
                return True
        return False

    def _has_context(self, member: Member, argument: Argument) -> bool:
        contexts = member.facts.contexts()
        for directive in applied(argument, "fromContext"):
            name, selection = parse_context(directive.text("field") or "")
            setters = {type_.name for type_ in contexts.get(name or "", ())}
            selections = selections_of(selection)
            if selections is None or not any(
                self._has(list(positions), selections, _NOWHERE)
                for ancestor, positions in self._ancestors
                if setters & self._names(ancestor)
            ):
                return False
        return True

    def _is_resolved_by_all(
        self, member: Member, position: Position, type_: TypeDefinition, name: str
    ) -> bool:
        """Whether a field of an interface needs no look at the object behind it."""
        names = self._names(type_.name)
        if provided_field(position.provided, names, name) is not None:
            return True
        for implementation in member.subgraph.implementations(type_.name):
            field = implementation.fields.get(name)
            if field is None or member.facts.is_external(field) or has(field, "requires"):
                return False
            if not self._is_in_force(member, field):
                return False
        return True

    def _resolve_by_objects(
        self,
        member: Member,
        position: Position,
        type_: TypeDefinition,
        name: str,
        excluded: frozenset[str],
    ) -> list[Position]:
        """A field of an interface, from each object that may be behind it."""
        if type_.kind is not Kind.INTERFACE or name not in type_.fields:
            return []
        found: list[Position] = []
        for object_name in sorted(member.subgraph.possible_types(type_.name)):
            at = Position(member.name, object_name, position.provided)
            inside = self._resolve(at, name, excluded)
            if not inside:
                return []
            found += inside
        return found

    def _cast_here(
        self, position: Position, type_name: str, excluded: frozenset[str]
    ) -> list[Position]:
        member = self._subgraphs.by_name[position.subgraph]
        type_ = member.subgraph.types[position.type]
        if member.facts.is_interface_object(type_):
            # Only with the type's name in hand does one know that it is the one asked for.
            if not self._resolve(position, "__typename", excluded):
                return []
            return [
                Position(position.subgraph, position.type, position.provided, stands_for=type_name)
            ]
        if type_name not in member.subgraph.possible_types(position.type):
            return []
        if type_name == position.type:
            return [position]
        return [Position(position.subgraph, type_name, position.provided)]

    def _has(
        self, positions: list[Position], selections: SelectionSetNode, excluded: frozenset[str]
    ) -> bool:
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                if not self._has_field(positions, selection, excluded):
                    return False
                continue
            assert isinstance(selection, InlineFragmentNode)
            if not self._has_fragment(positions, selection, excluded):
                return False
        return True

    def _has_field(
        self, positions: list[Position], node: FieldNode, excluded: frozenset[str]
    ) -> bool:
        """Here if possible: looking elsewhere is only worth it when that fails."""
        for resolve in (self._resolve_here, self._resolve):
            found = [f for at in positions for f in resolve(at, node.name.value, excluded)]
            if found and (
                node.selection_set is None or self._has(found, node.selection_set, excluded)
            ):
                return True
        return False

    def _has_fragment(
        self, positions: list[Position], fragment: InlineFragmentNode, excluded: frozenset[str]
    ) -> bool:
        if fragment.type_condition is None:
            return self._has(positions, fragment.selection_set, excluded)
        wanted = self._subgraphs.objects(fragment.type_condition.name.value)
        possible = {name for position in positions for name in self._possible(position)}
        for name in sorted(wanted & possible):
            inside = [
                found
                for position in positions
                for at in self._closure(position, excluded)
                for found in self._cast_here(at, name, excluded)
            ]
            if not self._has(inside, fragment.selection_set, excluded):
                return False
        return True

    def _possible(self, position: Position) -> frozenset[str]:
        member = self._subgraphs.by_name[position.subgraph]
        if position.stands_for:
            return frozenset({position.stands_for})
        if member.facts.is_interface_object(member.subgraph.types[position.type]):
            return self._subgraphs.objects(position.type)
        return member.subgraph.possible_types(position.type)

    def _names(self, type_name: str) -> frozenset[str]:
        """The type and the abstract types it belongs to."""
        unions = [
            union
            for union, members in self._subgraphs.members_of_unions.items()
            if type_name in members
        ]
        return frozenset({type_name, *self._subgraphs.interfaces.get(type_name, ()), *unions})


def anew(position: Position) -> Position:
    """What a key or `@requires` asks for is fetched from here, however one came here."""
    return replace(position, key=None)


def is_composite(subgraphs: Subgraphs, type_name: str) -> bool:
    return subgraphs.kinds.get(type_name) in COMPOSITE
