"""A subgraph's document with what federation gives it unasked: definitions of linked directives.

The result is plain GraphQL that the usual validation understands. Federation lets a type be only
extended; here the first extension becomes its definition.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
)

from gateway.composition.read import MACHINE_FIELDS, ParsedSubgraph
from gateway.federation.directives import (
    LINK_SDL,
    Specification,
    federation_1,
    specification,
)
from gateway.federation.link import CORE, LINK, Link

_DEFINITIONS: dict[type, type] = {
    ScalarTypeExtensionNode: ScalarTypeDefinitionNode,
    ObjectTypeExtensionNode: ObjectTypeDefinitionNode,
    InterfaceTypeExtensionNode: InterfaceTypeDefinitionNode,
    UnionTypeExtensionNode: UnionTypeDefinitionNode,
    EnumTypeExtensionNode: EnumTypeDefinitionNode,
    InputObjectTypeExtensionNode: InputObjectTypeDefinitionNode,
}

_FORGIVEN = frozenset({"key", "requires", "provides"})
_FORGIVEN_TYPES = frozenset({"String", "_FieldSet", "FieldSet"})


def complete(parsed: ParsedSubgraph) -> DocumentNode:
    own = own_definitions(parsed)
    taken = {_key(node) for node in own}
    provided = [node for node in provided_definitions(parsed) if _key(node) not in taken]
    return DocumentNode(definitions=(*_with_definitions(own), *provided))


def own_definitions(parsed: ParsedSubgraph) -> list[DefinitionNode]:
    """What the subgraph wrote, but for wrong definitions of `@key` that Federation 1 ignored."""
    return [
        _without_machine_fields(parsed, node)
        for node in parsed.document.definitions
        if parsed.version is not None or not _is_forgiven(node)
    ]


def provided_definitions(parsed: ParsedSubgraph) -> Iterator[DefinitionNode]:
    """The directives and scalars of every known specification, under their local names."""
    for link in parsed.links.links:
        known = specification(link.url.identity, link.url.version)
        if known is not None:
            yield from _of_specification(known, link)
    yield from _link_definitions(parsed)
    if parsed.version is None:
        yield from _of_specification(federation_1(), None)


def renamed_type(node: TypeNode, link: Link | None, scalars: tuple[str, ...]) -> TypeNode:
    """The type with the specification's own scalars under the names they have in the subgraph."""
    if isinstance(node, NonNullTypeNode):
        inner: Any = renamed_type(node.type, link, scalars)
        return NonNullTypeNode(type=inner)
    if isinstance(node, ListTypeNode):
        return ListTypeNode(type=renamed_type(node.type, link, scalars))
    assert isinstance(node, NamedTypeNode)
    name = node.name.value
    if name not in scalars:
        return node
    return NamedTypeNode(name=NameNode(value=_type_name(name, link)))


def _of_specification(known: Specification, link: Link | None) -> Iterator[DefinitionNode]:
    for name, node in known.directives.items():
        yield DirectiveDefinitionNode(
            name=NameNode(value=link.directive_name(name) if link else name),
            arguments=tuple(
                _copy(argument, type=renamed_type(argument.type, link, known.scalars))
                for argument in node.arguments or ()
            ),
            repeatable=node.repeatable,
            locations=node.locations,
        )
    for scalar in known.scalars:
        name_node = NameNode(value=_type_name(scalar, link))
        yield ScalarTypeDefinitionNode(name=name_node, directives=())


def _type_name(scalar: str, link: Link | None) -> str:
    """Federation 1 has its one scalar by the name `_FieldSet`."""
    return link.type_name(scalar) if link else f"_{scalar}"


def _link_definitions(parsed: ParsedSubgraph) -> Iterator[DefinitionNode]:
    itself = parsed.links.of(LINK) or parsed.links.of(CORE)
    name = itself.name if itself else "link"
    sdl = LINK_SDL
    if itself:
        sdl = sdl.replace("@link(", f"@{name}(")
        for type_ in ("Import", "Purpose"):
            sdl = sdl.replace(f"link__{type_}", itself.type_name(type_))
    if itself and itself.url.identity == CORE:
        sdl = sdl.replace("url: String", "feature: String")
    yield from parse(sdl, no_location=True).definitions


def _with_definitions(nodes: list[DefinitionNode]) -> Iterator[DefinitionNode]:
    defined = {node.name.value for node in nodes if isinstance(node, TypeDefinitionNode)}
    for node in nodes:
        if isinstance(node, TypeExtensionNode) and node.name.value not in defined:
            defined.add(node.name.value)
            yield _copy(node, into=_DEFINITIONS[type(node)])
        else:
            yield node


def _without_machine_fields(parsed: ParsedSubgraph, node: DefinitionNode) -> DefinitionNode:
    """Federation 1 lets Query hold `_entities` without defining its types."""
    is_object = isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
    if parsed.version is not None or not is_object:
        return node
    fields = getattr(node, "fields", None) or ()
    kept = tuple(field for field in fields if field.name.value not in MACHINE_FIELDS)
    return node if len(kept) == len(fields) else _copy(node, fields=kept)


def _is_forgiven(node: DefinitionNode) -> bool:
    if not isinstance(node, DirectiveDefinitionNode) or node.name.value not in _FORGIVEN:
        return False
    arguments = node.arguments or ()
    if len(arguments) != 1:
        return not arguments
    type_ = arguments[0].type
    return isinstance(type_, NamedTypeNode) and type_.name.value in _FORGIVEN_TYPES


def _key(node: DefinitionNode) -> tuple[bool, str]:
    """Types and directives have names apart; extensions and the schema are never in the way."""
    name = getattr(node, "name", None)
    if name is None or isinstance(node, TypeExtensionNode | SchemaExtensionNode):
        return False, ""
    return isinstance(node, DirectiveDefinitionNode), name.value


def _copy(node: Any, into: type | None = None, **changes: Any) -> Any:
    """A node of the same or a kindred class, with the attributes both have."""
    target: Any = into or type(node)
    attributes = {key: getattr(node, key, None) for key in (*target.keys, "loc")}
    return target(**{**attributes, **changes})
