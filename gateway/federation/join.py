"""The join specification's directives, read into plain data.

https://specs.apollo.dev/join/v0.3/ (fields and types), v0.4 (override labels), v0.5 (contexts).
Join v0.1 and v0.2 differ in one thing that matters: v0.1 gives an entity an owner, in which every
field without a `@join__field` lies. https://specs.apollo.dev/join/v0.1/#@owner
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    FieldNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    print_ast,
    value_from_ast_untyped,
)

from gateway.federation.api_schema import is_hidden
from gateway.federation.directives import CONTEXT
from gateway.federation.errors import SupergraphError
from gateway.federation.field_set import parse_field_set
from gateway.federation.link import Link, Links

CompositeNode: TypeAlias = (
    ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode
)
Arguments: TypeAlias = dict[str, Any]


class TypeKind(StrEnum):
    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class Subgraph:
    name: str
    enum: str
    url: str


@dataclass(frozen=True, slots=True)
class EntityKey:
    fields: str
    """A field set."""
    resolvable: bool


@dataclass(frozen=True, slots=True)
class JoinType:
    """A type in one subgraph."""

    keys: tuple[EntityKey, ...]
    interface_object: bool
    extension: bool


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument the subgraph takes from an enclosing type. https://specs.apollo.dev/join/v0.5/"""

    name: str
    type: str
    context: str
    selection: str


@dataclass(frozen=True, slots=True)
class JoinField:
    """A field in one subgraph."""

    type: str
    """Its type there, as text; it may differ from the supergraph's in nullability and breadth."""
    external: bool = False
    requires: str | None = None
    provides: str | None = None
    override: str | None = None
    """The name of the subgraph this one takes the field from."""
    override_label: str | None = None
    """Only while this label holds for a request."""
    used_overridden: bool = False
    context_arguments: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class SupergraphField:
    name: str
    type: str
    type_name: str
    """Its type without list and non-null."""
    is_list: bool
    inaccessible: bool
    joins: Mapping[str, JoinField]
    """By subgraph name. Empty for a field that comes to an object from an interface object."""


@dataclass(frozen=True, slots=True)
class SupergraphType:
    name: str
    kind: TypeKind
    inaccessible: bool
    joins: Mapping[str, JoinType]
    """By subgraph name."""
    fields: Mapping[str, SupergraphField]
    interfaces: tuple[str, ...]
    implements: Mapping[str, tuple[str, ...]]
    """By subgraph name, the interfaces it implements there."""
    members: Mapping[str, tuple[str, ...]]
    """By subgraph name, the members a union has there."""
    contexts: tuple[str, ...]
    """What its values set for all that lies below them."""


def read_subgraphs(document: DocumentNode, join: Link) -> Mapping[str, Subgraph]:
    """By the enum value that stands for them."""
    name = join.type_name("Graph")
    graph = next(
        (
            definition
            for definition in document.definitions
            if isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == name
        ),
        None,
    )
    if graph is None:
        raise SupergraphError(f"the supergraph has no enum {name} that lists its subgraphs")
    subgraphs = {}
    for value in graph.values or ():
        enum = value.name.value
        arguments = next(_applications(value, join.directive_name("graph")), None)
        if arguments is None or not isinstance(arguments.get("name"), str):
            raise SupergraphError(f"{name}.{enum} does not name its subgraph")
        subgraphs[enum] = Subgraph(arguments["name"], enum, str(arguments.get("url") or ""))
    if not subgraphs:
        raise SupergraphError(f"{name} lists no subgraphs")
    return subgraphs


def read_types(
    document: DocumentNode, links: Links, join: Link, subgraphs: Mapping[str, Subgraph]
) -> Mapping[str, SupergraphType]:
    reader = _TypeReader(links, join, subgraphs)
    return {
        definition.name.value: reader.read(definition)
        for definition in document.definitions
        if isinstance(definition, CompositeNode)
        and links.source_of_type(definition.name.value) is None
    }


@dataclass(frozen=True, slots=True)
class _TypeReader:
    links: Links
    join: Link
    subgraphs: Mapping[str, Subgraph]

    def read(self, node: CompositeNode) -> SupergraphType:
        owner = next(self._applied(node, "owner"), None)
        joins = self._join_types(node)
        in_every = tuple(joins) or tuple(graph.name for graph in self.subgraphs.values())
        home = in_every if owner is None else (self._name(owner, node),)
        nodes = [] if isinstance(node, UnionTypeDefinitionNode) else node.fields or ()
        fields = {field.name.value: self._field(node, field, home) for field in nodes}
        if owner is not None:
            fields = _with_keys(fields, joins)
        return SupergraphType(
            name=node.name.value,
            kind=_KINDS[type(node)],
            inaccessible=is_hidden(node, self.links),
            joins=joins or {name: JoinType((), False, False) for name in in_every},
            fields=fields,
            interfaces=_interfaces(node),
            implements=self._references(node, "implements", "interface", _interfaces(node)),
            members=self._references(node, "unionMember", "member", _members(node)),
            contexts=tuple(self._contexts(node)),
        )

    def _join_types(self, node: CompositeNode) -> dict[str, JoinType]:
        applications: dict[str, list[Arguments]] = defaultdict(list)
        for arguments in self._applied(node, "type"):
            applications[self._name(arguments, node)].append(arguments)
        return {
            name: JoinType(
                keys=tuple(
                    EntityKey(arguments["key"], arguments.get("resolvable", True))
                    for arguments in several
                    if arguments.get("key")
                ),
                interface_object=any(arguments.get("isInterfaceObject") for arguments in several),
                extension=any(arguments.get("extension") for arguments in several),
            )
            for name, several in applications.items()
        }

    def _field(
        self, node: CompositeNode, field: FieldDefinitionNode, home: tuple[str, ...]
    ) -> SupergraphField:
        text = print_ast(field.type)
        applications = list(self._applied(field, "field"))
        joins = {
            self._name(arguments, node): _join_field(arguments, text)
            for arguments in applications
            if arguments.get("graph")
        }
        if not applications:
            joins = dict.fromkeys(home, JoinField(text))
        return SupergraphField(
            name=field.name.value,
            type=text,
            type_name=_named(field.type),
            is_list="[" in text,
            inaccessible=is_hidden(field, self.links),
            joins=joins,
        )

    def _references(
        self, node: CompositeNode, directive: str, argument: str, every: tuple[str, ...]
    ) -> Mapping[str, tuple[str, ...]]:
        """What the directive says subgraph by subgraph; before v0.3 it is the same in all."""
        applications = list(self._applied(node, directive))
        if not applications and every:
            return {graph.name: every for graph in self.subgraphs.values()}
        references: dict[str, tuple[str, ...]] = {}
        for arguments in applications:
            name = self._name(arguments, node)
            references[name] = (*references.get(name, ()), arguments[argument])
        return references

    def _contexts(self, node: CompositeNode) -> Iterator[str]:
        link = self.links.of(CONTEXT)
        if link is not None:
            for arguments in _applications(node, link.directive_name("context")):
                yield str(arguments.get("name"))

    def _applied(self, node: object, element: str) -> Iterator[Arguments]:
        return _applications(node, self.join.directive_name(element))

    def _name(self, arguments: Arguments, node: CompositeNode) -> str:
        graph = self.subgraphs.get(arguments.get("graph", ""))
        if graph is None:
            raise SupergraphError(f"{node.name.value} is joined to a subgraph that is not listed")
        return graph.name


_KINDS = {
    ObjectTypeDefinitionNode: TypeKind.OBJECT,
    InterfaceTypeDefinitionNode: TypeKind.INTERFACE,
    UnionTypeDefinitionNode: TypeKind.UNION,
}


def _with_keys(
    fields: Mapping[str, SupergraphField], joins: Mapping[str, JoinType]
) -> dict[str, SupergraphField]:
    """Join v0.1 does not say that an entity's keys are in every subgraph that extends it."""
    changed = dict(fields)
    for subgraph, join in joins.items():
        for key in join.keys:
            for selection in parse_field_set(key.fields).selections:
                if isinstance(selection, FieldNode) and selection.name.value in changed:
                    field = changed[selection.name.value]
                    joined = {subgraph: JoinField(field.type), **field.joins}
                    changed[field.name] = replace(field, joins=joined)
    return changed


def _join_field(arguments: Arguments, text: str) -> JoinField:
    return JoinField(
        type=arguments.get("type") or text,
        external=bool(arguments.get("external")),
        requires=arguments.get("requires"),
        provides=arguments.get("provides"),
        override=arguments.get("override"),
        override_label=arguments.get("overrideLabel"),
        used_overridden=bool(arguments.get("usedOverridden")),
        context_arguments=tuple(map(_context_argument, arguments.get("contextArguments") or ())),
    )


def _context_argument(given: Any) -> ContextArgument:
    try:
        return ContextArgument(given["name"], given["type"], given["context"], given["selection"])
    except (KeyError, TypeError):
        raise SupergraphError("a contextual argument lacks one of its parts") from None


def _interfaces(node: CompositeNode) -> tuple[str, ...]:
    if isinstance(node, UnionTypeDefinitionNode):
        return ()
    return tuple(interface.name.value for interface in node.interfaces or ())


def _members(node: CompositeNode) -> tuple[str, ...]:
    if isinstance(node, UnionTypeDefinitionNode):
        return tuple(member.name.value for member in node.types or ())
    return ()


def _named(node: TypeNode) -> str:
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        node = node.type
    return str(print_ast(node))


def _applications(node: Any, directive: str) -> Iterator[Arguments]:
    for applied in node.directives or ():
        if applied.name.value == directive:
            yield {
                argument.name.value: value_from_ast_untyped(argument.value)
                for argument in applied.arguments or ()
            }
