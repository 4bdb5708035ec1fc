"""Take from a supergraph document what clients must not see.

https://specs.apollo.dev/inaccessible/v0.2/ says what hiding an element takes with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    GraphQLDeferDirective,
    GraphQLError,
    GraphQLSchema,
    Node,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    build_ast_schema,
    validate_schema,
)

from gateway.federation.errors import SupergraphError
from gateway.federation.link import Links

# What a definition is made of, besides the directives on it.
_PARTS = ("fields", "arguments", "values")
_STANDARD = {"deprecated", "specifiedBy", "oneOf"}
_EXECUTABLE = {
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
}

INACCESSIBLE = "https://specs.apollo.dev/inaccessible"

_N = TypeVar("_N", bound=Node)


def strip_machinery(document: DocumentNode, links: Links) -> DocumentNode:
    """Leave the definitions, with no directives but the standard ones and those that hide."""
    kept = _STANDARD | _hiding(links)
    definitions = (
        _keep_directives(definition, kept)
        for definition in document.definitions
        if not _is_machinery(definition, links)
    )
    return replace(document, definitions=tuple(definitions))


def strip_inaccessible(document: DocumentNode, links: Links) -> DocumentNode:
    hidden = frozenset(
        definition.name.value
        for definition in document.definitions
        if isinstance(definition, TypeDefinitionNode) and is_hidden(definition, links)
    )
    definitions = (
        _keep_directives(_visible(definition, links, hidden), _STANDARD)
        for definition in document.definitions
        if not (isinstance(definition, TypeDefinitionNode) and definition.name.value in hidden)
    )
    return replace(document, definitions=tuple(definitions))


def build_schema(document: DocumentNode) -> GraphQLSchema:
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
    except (GraphQLError, TypeError, KeyError) as error:
        raise SupergraphError(f"the supergraph's types do not fit together: {error}") from None
    errors = validate_schema(schema)
    if errors:
        messages = "; ".join(error.message for error in errors)
        raise SupergraphError(f"the supergraph is not a valid schema: {messages}")
    return schema


def add_defer(schema: GraphQLSchema) -> GraphQLSchema:
    """What the gateway itself does for clients, whatever a supergraph says of the name."""
    others = (each for each in schema.directives if each.name != GraphQLDeferDirective.name)
    schema.directives = (*others, GraphQLDeferDirective)
    return schema


def is_hidden(node: Node, links: Links) -> bool:
    names = _hiding(links)
    return any(applied.name.value in names for applied in getattr(node, "directives", None) or ())


def _hiding(links: Links) -> frozenset[str]:
    """The names of the directive that hides; the plain one hides even where nothing links it."""
    link = links.of(INACCESSIBLE)
    return frozenset({"inaccessible", link.directive_name("inaccessible") if link else ""})


def _is_machinery(definition: DefinitionNode, links: Links) -> bool:
    if isinstance(definition, DirectiveDefinitionNode):
        name = definition.name.value
        # Directives on the type system say nothing to clients.
        executable = any(location.value in _EXECUTABLE for location in definition.locations)
        return not executable or links.source_of_directive(name) is not None
    if isinstance(definition, TypeDefinitionNode):
        return links.source_of_type(definition.name.value) is not None
    return False


def _keep_directives(node: _N, names: Iterable[str]) -> _N:
    """Copy the definition, and all it consists of, with only these directives."""
    changes: dict[str, Any] = {
        part: tuple(_keep_directives(child, names) for child in children)
        for part in _PARTS
        if (children := getattr(node, part, None))
    }
    if applied := getattr(node, "directives", None):
        changes["directives"] = tuple(d for d in applied if d.name.value in names)
    return replace(node, **changes)


def _visible(node: _N, links: Links, hidden: frozenset[str]) -> _N:
    changes: dict[str, Any] = {
        part: tuple(
            _visible(child, links, hidden) for child in children if not is_hidden(child, links)
        )
        for part in _PARTS
        if (children := getattr(node, part, None))
    }
    for part in ("interfaces", "types"):
        if references := getattr(node, part, None):
            changes[part] = tuple(r for r in references if r.name.value not in hidden)
    if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
        changes["operation_types"] = tuple(
            root for root in node.operation_types or () if root.type.name.value not in hidden
        )
    return replace(node, **changes)
