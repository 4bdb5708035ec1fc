"""Comparing two supergraphs: what clients may see, who resolves what, and what is enforced.

Order and spelling are left out: fields, types and applications in another order are equal, and so
are `@join__type(graph: A)` and `@join__type(graph: A, resolvable: true)`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    Node,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from gateway.composition.values import ObjectValue, Value, read_value
from gateway.federation.field_set import parse_field_set, print_field_set
from gateway.federation.link import read_links

JOIN_DEFAULTS = {
    "join__type": {"extension": False, "resolvable": True, "isInterfaceObject": False},
    "join__field": {"external": False, "usedOverridden": False},
    "listSize": {"requireOneSlicingArgument": True},
}
FIELD_SETS = {"key", "requires", "provides"}
FEATURES = "https://specs.apollo.dev/"

Facts = Counter[tuple[object, ...]]


def differences(sdl: str, other: str) -> list[str]:
    """What one says and the other does not, as readable lines; none for equal supergraphs."""
    left, right = facts(sdl), facts(other)
    return sorted(
        [f"- {fact}" for fact in map(str, left - right)]
        + [f"+ {fact}" for fact in map(str, right - left)]
    )


def facts(sdl: str) -> Facts:
    document = parse(sdl)
    names = _Names(document)
    return Counter([*_api(document, names), *_applied(document, names)])


class _Names:
    """The names a supergraph gives to the directives of known specifications."""

    def __init__(self, document: DocumentNode) -> None:
        self.links = read_links(document)

    def element(self, directive: str) -> str:
        source = self.links.source_of_directive(directive)
        if source is None or not source[0].url.identity.startswith(FEATURES):
            return directive
        link, element = source
        return f"join__{element}" if link.url.name == "join" else (element or directive)

    def is_machinery(self, name: str) -> bool:
        """A type or directive that a specification brings along."""
        return name.startswith(("join__", "link__")) or self.links.source_of_type(name) is not None

    def is_hidden(self, node: Node) -> bool:
        directives = getattr(node, "directives", None) or ()
        return any(self.element(d.name.value) == "inaccessible" for d in directives)


def _api(document: DocumentNode, names: _Names) -> Iterator[tuple[object, ...]]:
    """The schema clients see: no hidden elements, no machinery."""
    hidden = {
        node.name.value
        for node in document.definitions
        if isinstance(node, TypeDefinitionNode) and names.is_hidden(node)
    }
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode):
            for operation in node.operation_types or ():
                yield "root", operation.operation.value, operation.type.name.value
        elif isinstance(node, DirectiveDefinitionNode):
            local_name = node.name.value
            if names.links.source_of_directive(local_name) is None:
                locations = tuple(sorted(location.value for location in node.locations))
                yield "directive", local_name, node.repeatable, locations, _described(node)
                yield from _inputs(f"@{local_name}", node.arguments, names)
        elif isinstance(node, TypeDefinitionNode):
            name = node.name.value
            if name not in hidden and not names.is_machinery(name):
                yield from _type(node, names, hidden)


def _type(
    node: TypeDefinitionNode, names: _Names, hidden: set[str]
) -> Iterator[tuple[object, ...]]:
    name = node.name.value
    yield "type", node.kind, name, _described(node)
    for interface in getattr(node, "interfaces", None) or ():
        if interface.name.value not in hidden:
            yield "implements", name, interface.name.value
    if isinstance(node, UnionTypeDefinitionNode):
        yield from (
            ("member", name, m.name.value) for m in node.types if m.name.value not in hidden
        )
    elif isinstance(node, EnumTypeDefinitionNode):
        for value in node.values or ():
            if not names.is_hidden(value):
                yield "value", name, value.name.value, _described(value)
    for field in getattr(node, "fields", None) or ():
        if names.is_hidden(field):
            continue
        if isinstance(field, InputValueDefinitionNode):
            yield from _inputs(name, [field], names)
        else:
            coordinate = f"{name}.{field.name.value}"
            yield "field", coordinate, print_ast(field.type), _described(field)
            yield from _inputs(coordinate, field.arguments, names)


def _inputs(
    owner: str, nodes: list[InputValueDefinitionNode], names: _Names
) -> Iterator[tuple[object, ...]]:
    for node in nodes or ():
        if not names.is_hidden(node):
            default = _plain(read_value(node.default_value)) if node.default_value else "none"
            name = node.name.value
            yield "input", owner, name, print_ast(node.type), default, _described(node)


def _described(node: Node) -> str | None:
    description = getattr(node, "description", None)
    return description.value if isinstance(description, StringValueNode) else None


def _applied(document: DocumentNode, names: _Names) -> Iterator[tuple[object, ...]]:
    """Every application of a directive, join information first of all."""
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode):
            links = [d for d in node.directives or () if names.element(d.name.value) != "link"]
            yield from _directives("schema", links, names)
        elif isinstance(node, TypeDefinitionNode) and (
            node.name.value == "join__Graph" or not names.is_machinery(node.name.value)
        ):
            yield from _applied_in_type(node, names)


def _applied_in_type(node: TypeDefinitionNode, names: _Names) -> Iterator[tuple[object, ...]]:
    name = node.name.value
    yield from _directives(name, node.directives, names)
    children = [*(getattr(node, "fields", None) or ()), *(getattr(node, "values", None) or ())]
    for child in children:
        coordinate = f"{name}.{child.name.value}"
        yield from _directives(coordinate, child.directives, names)
        if isinstance(child, FieldDefinitionNode):
            for argument in child.arguments or ():
                where = f"{coordinate}({argument.name.value}:)"
                yield from _directives(where, argument.directives, names)


def _directives(
    where: str, directives: list[DirectiveNode], names: _Names
) -> Iterator[tuple[object, ...]]:
    for directive in directives or ():
        name = names.element(directive.name.value)
        defaults = JOIN_DEFAULTS.get(name, {})
        arguments = {
            argument.name.value: _normal(argument.name.value, read_value(argument.value))
            for argument in directive.arguments or ()
        }
        given = sorted((k, v) for k, v in arguments.items() if defaults.get(k, ...) != v)
        yield "applied", where, name, tuple(given)


def _normal(name: str, value: Value) -> object:
    if name in FIELD_SETS and isinstance(value, str):
        return print_field_set(parse_field_set(value))
    if name in {"scopes", "policies"} and isinstance(value, tuple):
        return frozenset(frozenset(group) for group in value if isinstance(group, tuple))
    return _plain(value)


def _plain(value: Value) -> object:
    if isinstance(value, ObjectValue):
        return frozenset((name, _plain(item)) for name, item in value.fields)
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value
