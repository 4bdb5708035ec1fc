"""What the planner searches: types in subgraphs, and the moves between them.

A `Node` is a type in one subgraph, as it can be seen from where it is reached: a field with
`@provides` leads to a view of the type in which more fields can be resolved. Two moves lead from
node to node: `FieldMove` stays in the subgraph; `EntityMove` enters another one by a key. Moving
from an abstract type to one of its members is `QueryGraph.narrow`.

The graph is built lazily and remembers what it was asked: an operation sees a small part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.federation.supergraph import (
    ContextArgument,
    Supergraph,
    SupergraphField,
    TypeKind,
)
from gateway.operation.tree import Field, Selection, SelectionSet
from gateway.planning.field_sets import TYPENAME, FieldSet, FieldSetReader


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Nodes are made once per graph, so that they compare by identity."""

    type_name: str
    subgraph: str
    provided: SelectionSet
    is_abstract: bool
    is_interface_object: bool


@dataclass(frozen=True, slots=True, eq=False)
class FieldMove:
    target: Node | None
    """None for a leaf."""
    requires: FieldSet | None
    contexts: tuple[ContextArgument, ...] = ()
    """Arguments that come from enclosing objects."""

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the object itself is needed."""
        return self.requires is None and not self.contexts


@dataclass(frozen=True, slots=True, eq=False)
class EntityMove:
    target: Node
    keys: tuple[FieldSet, ...]
    """Any of them will do."""


@dataclass(slots=True, eq=False)
class QueryGraph:
    supergraph: Supergraph
    _reader: FieldSetReader = field(init=False)
    _nodes: dict[tuple[str, str, SelectionSet], Node] = field(default_factory=dict)
    _field_sets: dict[tuple[str, str], FieldSet] = field(default_factory=dict)
    _field_moves: dict[tuple[Node, str, frozenset[str]], FieldMove | None] = field(
        default_factory=dict
    )
    _entity_moves: dict[tuple[str, str | None], tuple[EntityMove, ...]] = field(
        default_factory=dict
    )
    _members: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    _possible: dict[str, frozenset[str]] = field(default_factory=dict)
    _setters: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._reader = FieldSetReader(self.supergraph.types, self.possible)

    def node(self, type_name: str, subgraph: str, provided: SelectionSet = ()) -> Node:
        key = (type_name, subgraph, provided)
        node = self._nodes.get(key)
        if node is None:
            type_ = self.supergraph.types[type_name]
            join = type_.joins.get(subgraph)
            is_interface_object = join is not None and join.interface_object
            is_abstract = type_.kind is not TypeKind.OBJECT and not is_interface_object
            node = Node(type_name, subgraph, provided, is_abstract, is_interface_object)
            self._nodes[key] = node
        return node

    def entries(self, root_type: str) -> Iterator[Node]:
        """The root type in each subgraph that has it, by the subgraph's name."""
        for subgraph in sorted(self.supergraph.types[root_type].joins):
            yield self.node(root_type, subgraph)

    def field_move(self, node: Node, name: str, labels: frozenset[str]) -> FieldMove | None:
        """None where the subgraph cannot resolve the field for every value of the node's type."""
        key = (node, name, labels)
        if key not in self._field_moves:
            self._field_moves[key] = self._find_field_move(node, name, labels)
        return self._field_moves[key]

    def entity_moves(self, node: Node) -> tuple[EntityMove, ...]:
        """Where entities of the node's type can be entered, its own subgraph included."""
        # Only what an interface's members are, or whether they are known, makes a difference.
        special = node.is_abstract or node.is_interface_object
        key = (node.type_name, node.subgraph if special else None)
        if key not in self._entity_moves:
            self._entity_moves[key] = tuple(self._find_entity_moves(node))
        return self._entity_moves[key]

    def narrow(self, node: Node, type_name: str) -> Node:
        """The member of an abstract node, with what is provided for it."""
        return self.node(type_name, node.subgraph, self._provided_for(node.provided, type_name))

    def members(self, type_name: str, subgraph: str) -> frozenset[str]:
        """The object types that values of the type can have in the subgraph."""
        key = (type_name, subgraph)
        if key not in self._members:
            self._members[key] = frozenset(self._find_members(type_name, subgraph))
        return self._members[key]

    def possible(self, type_name: str) -> frozenset[str]:
        """The object types that values of the type can have anywhere."""
        if type_name not in self._possible:
            type_ = self.supergraph.types[type_name]
            members = {name for names in type_.members.values() for name in names}
            for other in self.supergraph.types.values():
                if other.kind is TypeKind.OBJECT and type_name in (other.name, *other.interfaces):
                    members.add(other.name)
            self._possible[type_name] = frozenset(members)
        return self._possible[type_name]

    def setters(self, context: str) -> frozenset[str]:
        """The object types whose values set the context."""
        if context not in self._setters:
            types = self.supergraph.types.values()
            named = (self.possible(type_.name) for type_ in types if context in type_.contexts)
            self._setters[context] = frozenset[str]().union(*named)
        return self._setters[context]

    def field(self, type_name: str, name: str) -> SupergraphField | None:
        return self.supergraph.types[type_name].fields.get(name)

    def field_type(self, node: Node, name: str) -> str:
        """The field's type as text, as the node's subgraph declares it."""
        field_ = self.field(node.type_name, name)
        if field_ is None:
            return "String!" if name == TYPENAME else ""
        join = field_.joins.get(node.subgraph)
        return join.type if join else field_.type

    def field_set(self, type_name: str, text: str) -> FieldSet:
        key = (type_name, text)
        if key not in self._field_sets:
            self._field_sets[key] = self._reader.read(type_name, text)
        return self._field_sets[key]

    def is_union(self, type_name: str) -> bool:
        return self.supergraph.types[type_name].kind is TypeKind.UNION

    def is_abstract_field(self, type_name: str, name: str) -> bool:
        """Whether clients need `__typename` to know the type of the field's values."""
        type_ = self.supergraph.types.get(type_name)
        target = type_ and type_.fields.get(name)
        if not target or target.type_name not in self.supergraph.types:
            return False
        return self.supergraph.types[target.type_name].kind is not TypeKind.OBJECT

    def is_composite(self, type_name: str) -> bool:
        return type_name in self.supergraph.types

    def _find_field_move(self, node: Node, name: str, labels: frozenset[str]) -> FieldMove | None:
        if name == TYPENAME:
            return None if node.is_interface_object else FieldMove(None, None)
        field_ = self.field(node.type_name, name)
        if field_ is None:
            return None
        for selection in node.provided:
            if isinstance(selection, Field) and selection.name == name:
                return FieldMove(self._target(field_, node.subgraph, selection.selections), None)
        if not _is_resolvable(field_, node.subgraph, labels):
            return None
        if node.is_abstract and not self._every_member_has(node, name, labels):
            return None
        join = field_.joins[node.subgraph]
        provided: SelectionSet = ()
        if join.provides is not None:
            provided = self.field_set(named_type(join.type), join.provides).selections
        requires = None
        if join.requires is not None:
            requires = self.field_set(node.type_name, join.requires)
        target = self._target(field_, node.subgraph, provided)
        return FieldMove(target, requires, join.context_arguments)

    def _target(
        self, field_: SupergraphField, subgraph: str, provided: SelectionSet
    ) -> Node | None:
        join = field_.joins.get(subgraph)
        name = named_type(join.type) if join else field_.type_name
        return self.node(name, subgraph, provided) if self.is_composite(name) else None

    def _every_member_has(self, node: Node, name: str, labels: frozenset[str]) -> bool:
        """An interface's field can be asked for only if no member has it elsewhere."""
        for member in self.members(node.type_name, node.subgraph):
            move = self.field_move(self.narrow(node, member), name, labels)
            if move is None or not move.is_plain:
                return False
        return True

    def _find_entity_moves(self, node: Node) -> Iterator[EntityMove]:
        type_ = self.supergraph.types[node.type_name]
        for subgraph in sorted(type_.joins):
            target = self.node(node.type_name, subgraph)
            if target.is_abstract and not node.is_interface_object:
                keys = self._keys_of_members(node, target)
            else:
                keys = self._keys(target)
            if keys:
                yield EntityMove(target, keys)
        for name in type_.interfaces if type_.kind is TypeKind.OBJECT else ():
            for subgraph in sorted(self.supergraph.types[name].joins):
                target = self.node(name, subgraph)
                if target.is_interface_object and (keys := self._keys(target)):
                    yield EntityMove(target, keys)

    def _keys(self, target: Node) -> tuple[FieldSet, ...]:
        join = self.supergraph.types[target.type_name].joins[target.subgraph]
        return tuple(
            self.field_set(target.type_name, key.fields) for key in join.keys if key.resolvable
        )

    def _keys_of_members(self, node: Node, target: Node) -> tuple[FieldSet, ...]:
        """Keys by which every member of an interface can be entered, so that they go together."""
        if self.is_union(node.type_name):
            return ()
        members = self.members(node.type_name, node.subgraph)
        if not members or not members <= self.members(target.type_name, target.subgraph):
            return ()
        first, *others = (
            self._keys(self.node(member, target.subgraph)) for member in sorted(members)
        )
        return tuple(
            self.field_set(node.type_name, key.text)
            for key in first
            if all(any(key.text == other.text for other in keys) for keys in others)
            and self._reader.fits(key.selections, node.type_name)
        )

    def _find_members(self, type_name: str, subgraph: str) -> Iterator[str]:
        type_ = self.supergraph.types[type_name]
        if type_.kind is TypeKind.OBJECT:
            yield type_name
        elif type_.kind is TypeKind.UNION:
            yield from type_.members.get(subgraph, ())
        else:
            for other in self.supergraph.types.values():
                is_here = other.kind is TypeKind.OBJECT and subgraph in other.joins
                if is_here and type_name in other.implements.get(subgraph, ()):
                    yield other.name

    def _provided_for(self, provided: SelectionSet, type_name: str) -> SelectionSet:
        selections: list[Selection] = []
        for selection in provided:
            if isinstance(selection, Field):
                selections.append(selection)
            elif type_name in self.possible(selection.type_condition):
                selections.extend(self._provided_for(selection.selections, type_name))
        return tuple(selections)


def _is_resolvable(field_: SupergraphField, subgraph: str, labels: frozenset[str]) -> bool:
    join = field_.joins.get(subgraph)
    if join is None or (join.external and join.requires is None):
        return False
    if join.override_label is not None:
        # The label stands on both: on the subgraph that takes over, and on the one that gives way.
        return (join.override_label in labels) == (join.override is not None)
    # https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#override
    return not any(
        other.override == subgraph
        and (other.override_label is None or other.override_label in labels)
        for name, other in field_.joins.items()
        if name != subgraph
    )


def named_type(type_text: str) -> str:
    """`[Patient!]!` without its brackets and marks."""
    return type_text.strip("[]!")
