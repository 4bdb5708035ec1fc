"""Where the objects of an answer lie, and which fetch fills which of their fields.

A position is a place of the client's answer for one object type. Exactly one fetch *makes* the
objects there, by selecting the field that holds them; others add fields to them. A plan that has
two fetches make the same objects, or whose places differ where they would be filled together, is
left to the general way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from graphql import GraphQLSchema, is_object_type, specified_scalar_types

from gateway.execution.compiled.asked import Asked, Reader, SelectionSets
from gateway.execution.compiled.errors import NotCompilableError
from gateway.execution.shapes import FieldShape, LeafShape, ListShape, ObjectShape, Shape

Children: TypeAlias = "tuple[Position, ...]"
"""Of one field, one for each type its objects may be of."""

TYPENAME = "__typename"


@dataclass(eq=False, slots=True)
class Position:
    type: str
    """Of its objects; an abstract one where nothing depends on which object type it is."""
    fields: Mapping[str, FieldShape]
    """The client's, by response key, in the client's order."""
    maker: int
    """The number of the fetch that makes the objects."""
    tagged: bool = False
    """Whether its objects are told from others by their `__typename`."""
    filled_by: dict[str, list[int]] = field(default_factory=dict)
    """Which fetches bring a response key, the client's or one that only the plan needs."""
    children: dict[str, Children] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Response keys that only the plan needs."""
    awaited: set[str] = field(default_factory=set)
    """Those that a later fetch brings and a still later one sends: nothing there is not null."""

    def has(self, key: str) -> bool:
        return key in self.fields or key in self.hidden

    @property
    def is_complete(self) -> bool:
        """Whether every field has a fetch that brings it."""
        given = (key in self.filled_by or f.constant is not None for key, f in self.fields.items())
        return all(given)

    @property
    def needs_finish(self) -> bool:
        """Whether something is left to do once everything is fetched."""
        return self.tagged or bool(self.hidden) or bool(self.awaited)

    def leads_to_finish(self, key: str) -> bool:
        return any(
            each.needs_finish or any(map(each.leads_to_finish, each.children))
            for each in self.children.get(key, ())
        )


@dataclass(frozen=True, slots=True)
class Landing:
    """What one fetch brings to positions of one type."""

    type: str
    positions: tuple[Position, ...]
    keys: tuple[str, ...]


class Placer:
    """Places what fetches bring, in the order of the plan."""

    def __init__(self, reader: Reader, schema: GraphQLSchema) -> None:
        """`schema` is the one that clients see."""
        self._reader = reader
        self._schema = schema
        self._signatures: dict[tuple[int, str], str] = {}

    def position(self, shape: ObjectShape, type_name: str, maker: int, *, tagged: bool) -> Position:
        fields = shape.fields_on(type_name)
        if fields is None:
            raise NotCompilableError("what is selected depends on a type that is not told")
        if any(each.denied for each in fields):
            raise NotCompilableError("something is denied, and told in every place")
        return Position(type_name, {each.key: each for each in fields}, maker, tagged)

    def land(self, fetch: int, positions: Sequence[Position], sets: SelectionSets) -> Landing:
        """The positions are of one type, and what the fetch brings is for all of them."""
        [type_name] = {each.type for each in positions}
        asked = self._reader.collect(sets, type_name)
        brought = {key: each for key, each in asked.items() if each.name != TYPENAME}
        for key, each in brought.items():
            self._fill(fetch, positions, key, each)
        return Landing(type_name, tuple(positions), tuple(brought))

    def _fill(self, fetch: int, positions: Sequence[Position], key: str, asked: Asked) -> None:
        homes = [each for each in positions if key in each.fields]
        shapes = [innermost(each.fields[key].shape) for each in homes]
        if shapes and isinstance(shapes[0], ObjectShape):
            if any(key in each.children for each in homes):
                raise NotCompilableError("two fetches make the same objects")
            if len({self._signature(each) for each in shapes}) > 1:
                raise NotCompilableError("places that are filled together differ")
            children = self._make(fetch, shapes[0], asked.below)
            for home in homes:
                home.children[key] = children
        for position in positions:
            known = position.filled_by.setdefault(key, [])
            if known and key in position.fields and not _may_come_twice(position.fields[key]):
                raise NotCompilableError("two fetches bring the same value")
            if not known or key in position.fields:
                known.append(fetch)

    def _make(self, fetch: int, shape: ObjectShape, below: SelectionSets) -> Children:
        name = shape.type_name
        objects = [each for each in sorted(shape.types) if self._is_object(each)]
        tagged = objects != [name] and all(
            TYPENAME in self._reader.collect(below, each) for each in objects
        )
        types = objects if tagged else [name]
        made = tuple(self.position(shape, each, fetch, tagged=tagged) for each in types)
        for position in made:
            self.land(fetch, [position], below)
        return made

    def _is_object(self, name: str) -> bool:
        return is_object_type(self._schema.type_map[name])

    def _signature(self, shape: Shape) -> str:
        """The same for shapes that show every object alike."""
        if isinstance(shape, ListShape):
            return f"[{self._signature(shape.item)}{'!' * shape.non_null}]"
        if isinstance(shape, LeafShape):
            return shape.type_name
        assert isinstance(shape, ObjectShape), "there are no other shapes"
        on_types = (self._on_type(shape, each) for each in sorted(shape.types))
        return f"{{{' '.join(on_types)}}}"

    def _on_type(self, shape: ObjectShape, type_name: str) -> str:
        place = (id(shape), type_name)
        if place not in self._signatures:
            parts = (
                f"{each.key}={each.coordinate}{'!' * each.non_null}{self._signature(each.shape)}"
                for each in shape.fields_on(type_name) or ()
            )
            self._signatures[place] = f"{type_name}:{','.join(parts)}"
        return self._signatures[place]


def innermost(shape: Shape) -> Shape:
    while isinstance(shape, ListShape):
        shape = shape.item
    return shape


def list_depth(shape: Shape) -> int:
    return 1 + list_depth(shape.item) if isinstance(shape, ListShape) else 0


def _may_come_twice(shown: FieldShape) -> bool:
    """A key, mostly. Of anything with parts the general way knows how to join them."""
    shape = shown.shape
    return isinstance(shape, LeafShape) and (
        shape.values is not None or shape.type_name in specified_scalar_types
    )
