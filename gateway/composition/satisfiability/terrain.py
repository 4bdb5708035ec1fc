"""What can be known of the subgraphs before any path is walked: keys, overrides, type names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gateway.composition.facts import selections_of
from gateway.composition.merge.overrides import override_states
from gateway.composition.satisfiability.position import Position
from gateway.composition.schema import COMPOSITE, ROOTS, Field, Kind, TypeDefinition, applied
from gateway.composition.subgraphs import Member, Subgraphs
from gateway.federation.field_set import FieldSetShape, field_set_shape


@dataclass(frozen=True, slots=True)
class KeyMove:
    """A resolvable key of a type in another subgraph."""

    member: Member
    type: str
    fields: str
    shape: FieldSetShape


class Terrain:
    """`overridden` holds (subgraph, coordinate) of fields taken away for good; `labelled` says by
    which label the others change hands, and whether the subgraph has them while it is on.
    """

    def __init__(self, subgraphs: Subgraphs) -> None:
        self.subgraphs = subgraphs
        self.overridden: set[tuple[str, str]] = set()
        self.labelled: dict[tuple[str, str], tuple[str, bool]] = {}
        self.labels: dict[str, str] = {}
        for type_name, field_name, sources in subgraphs.fields():
            coordinate = f"{type_name}.{field_name}"
            states = override_states(subgraphs, type_name, field_name, sources)
            for subgraph, state in states.items():
                if state.label:
                    self.labelled[subgraph, coordinate] = (state.label, not state.is_overridden)
                    self.labels[coordinate] = state.label
                elif state.is_overridden:
                    self.overridden.add((subgraph, coordinate))
        self._keys: dict[tuple[str, str], list[KeyMove]] = {}

    def member(self, position: Position) -> Member:
        return self.subgraphs.by_name[position.subgraph]

    def type(self, position: Position) -> TypeDefinition | None:
        return self.member(position).subgraph.types.get(position.type)

    def is_stand_in(self, position: Position) -> bool:
        """Whether one is at an interface object."""
        type_ = self.type(position)
        return type_ is not None and self.member(position).facts.is_interface_object(type_)

    def is_composite(self, type_name: str) -> bool:
        return self.subgraphs.kinds.get(type_name) in COMPOSITE

    def names(self, type_name: str) -> frozenset[str]:
        """The type and the abstract types it belongs to."""
        unions = self._unions.get(type_name, ())
        return frozenset({type_name, *self.subgraphs.interfaces.get(type_name, ()), *unions})

    @cached_property
    def _unions(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for union, members in self.subgraphs.members_of_unions.items():
            for member in members:
                found.setdefault(member, []).append(union)
        return found

    def possible(self, position: Position) -> frozenset[str]:
        """The objects one may be at; an interface object stands for any of its interface."""
        if position.stands_for:
            return frozenset({position.stands_for})
        if self.is_stand_in(position):
            return self.subgraphs.objects(position.type)
        return self.member(position).subgraph.possible_types(position.type)

    def is_in_force(self, subgraph: str, field: Field, labels: dict[str, bool]) -> bool:
        """Whether overrides leave the field to the subgraph."""
        key = (subgraph, field.coordinate)
        if key in self.overridden:
            return False
        label, while_on = self.labelled.get(key, (None, True))
        return label is None or labels.get(label) is while_on

    def has_own_key(self, position: Position) -> bool:
        """Whether what is fetched here can be found again by a key of this subgraph alone."""
        type_, member = self.type(position), self.member(position)
        if type_ is None or type_.name in ROOTS.values():
            return type_ is not None
        return any(
            not any(
                member.facts.is_external(field)
                or (member.name, field.coordinate) in self.overridden
                for field in member.facts.selected(type_.name, key)
            )
            for key in applied(type_, "key")
        )

    def keys(self, position: Position) -> list[KeyMove]:
        """The resolvable keys by which other subgraphs would take over."""
        at = (position.subgraph, position.type)
        if at not in self._keys:
            self._keys[at] = list(self._find_keys(*at))
        return self._keys[at]

    def _find_keys(self, subgraph: str, type_name: str) -> Iterator[KeyMove]:
        names = [type_name]
        if self.subgraphs.kinds.get(type_name) is Kind.OBJECT:
            names += self.subgraphs.interfaces.get(type_name, ())
        for member in self.subgraphs.members:
            for name in names if member.name != subgraph else ():
                type_ = member.subgraph.types.get(name)
                if type_ is None:
                    continue
                # By a key of an interface one gets from an object only to a stand-in for it.
                if name != type_name and not member.facts.is_interface_object(type_):
                    continue
                for key in applied(type_, "key"):
                    fields = key.text("fields") or ""
                    selections = selections_of(fields)
                    is_resolvable = key.arguments.get("resolvable", True) is not False
                    if is_resolvable and selections is not None:
                        yield KeyMove(member, name, fields, field_set_shape(selections))

    def arrival(self, position: Position, move: KeyMove) -> Position | None:
        """Where a key leads; an interface is narrowed to the object asked for."""
        name, wanted = move.member.name, position.stands_for
        if move.member.facts.is_interface_object(move.member.subgraph.types[move.type]):
            kind = self.subgraphs.kinds.get(position.type)
            stands_for = position.type if kind is Kind.OBJECT else wanted
            return Position(name, move.type, key=move.shape, stands_for=stands_for)
        if wanted is None:
            return Position(name, move.type, key=move.shape)
        if wanted in move.member.subgraph.possible_types(move.type):
            return Position(name, wanted, key=move.shape)
        return None

    def roots(self, type_name: str) -> Iterator[Position]:
        """A query can be asked of every subgraph that has one, from anywhere."""
        for member in self.subgraphs.members if type_name in ROOTS.values() else ():
            type_ = member.subgraph.types.get(type_name)
            if type_ is not None and type_.fields:
                yield Position(member.name, type_name)
