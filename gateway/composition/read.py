"""From SDL to the `Subgraph` that composing works on.

Reading happens in two steps, because the document must be checked in between: `parse_subgraph`
finds the links, `read_subgraph` trusts that the document is valid GraphQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)

from gateway.composition.schema import (
    ROOTS,
    Applied,
    Argument,
    DirectiveDefinition,
    EnumValue,
    Field,
    Kind,
    Subgraph,
    TypeDefinition,
)
from gateway.composition.types import read_type
from gateway.composition.values import read_value
from gateway.federation.directives import specification
from gateway.federation.link import FEDERATION, LINK, Links, Version, read_links

_KINDS: dict[type, Kind] = {
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    InputObjectTypeExtensionNode: Kind.INPUT,
}

# What a Federation 1 subgraph can mean: its upgrade links this version and imports it all.
_UPGRADE = specification(FEDERATION, Version(2, 4))
assert _UPGRADE is not None
UPGRADED = frozenset(_UPGRADE.directives)

# The machinery of the subgraph protocol: in every subgraph, never in the supergraph.
_MACHINERY = frozenset({"_Any", "_Entity", "_Service", "_FieldSet"})
MACHINE_FIELDS = frozenset({"_entities", "_service"})


@dataclass(frozen=True, slots=True)
class ParsedSubgraph:
    """A document whose links have been read; `version` is None for Federation 1."""

    name: str
    url: str
    document: DocumentNode
    links: Links

    @property
    def version(self) -> Version | None:
        federation = self.links.federation
        return federation.url.version if federation else None

    def federation_name(self, local_name: str) -> str | None:
        """The federation directive that `local_name` stands for in this subgraph."""
        source = self.links.source_of_directive(local_name)
        if source is None:
            return local_name if self.version is None and local_name in UPGRADED else None
        link, element = source
        known_here = specification(link.url.identity, link.url.version)
        return element if known_here and element in known_here.directives else None

    def is_machinery(self, type_name: str) -> bool:
        """Whether the type belongs to federation itself and so never reaches the supergraph."""
        if type_name in _MACHINERY:
            return True
        link = self.links.source_of_type(type_name)
        if link is None:
            return False
        known = specification(link.url.identity, link.url.version) is not None
        return known or link.url.identity in {FEDERATION, LINK}

    def root_names(self) -> dict[str, str]:
        """Root operation types with names of their own, to the names they get here."""
        named = {
            operation.type.name.value: ROOTS[operation.operation.value]
            for definition in self.document.definitions
            if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode)
            for operation in definition.operation_types or ()
        }
        return {own: default for own, default in named.items() if own != default}

    def roots(self) -> frozenset[str]:
        explicit = [
            ROOTS[operation.operation.value]
            for definition in self.document.definitions
            if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode)
            for operation in definition.operation_types or ()
        ]
        # An `extend schema` says nothing of the roots that bear their default names.
        full = any(isinstance(node, SchemaDefinitionNode) for node in self.document.definitions)
        return frozenset(explicit) | {"Query"} if full else frozenset(ROOTS.values())


def parse_links(name: str, url: str, document: DocumentNode) -> ParsedSubgraph:
    return ParsedSubgraph(name, url, document, read_links(document))


def read_subgraph(parsed: ParsedSubgraph) -> Subgraph:
    return _Reader(parsed, parsed.root_names()).read()


@dataclass(frozen=True, slots=True)
class _Reader:
    parsed: ParsedSubgraph
    renamed: dict[str, str]

    def read(self) -> Subgraph:
        types: dict[str, TypeDefinition] = {}
        definitions: dict[str, DirectiveDefinition] = {}
        directives: list[Applied] = []
        description: str | None = None
        parts: dict[str, int] = {}
        for node in self.parsed.document.definitions:
            if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
                directives += self.applied(node.directives)
                description = description or _text(getattr(node, "description", None))
            elif isinstance(node, DirectiveDefinitionNode):
                definitions[node.name.value] = self.definition(node)
            elif isinstance(node, TypeDefinitionNode | TypeExtensionNode):
                name = self.renamed.get(node.name.value, node.name.value)
                if isinstance(node, TypeExtensionNode):
                    parts[name] = parts.get(name, 0) + 1
                part = parts.get(name, 0) if isinstance(node, TypeExtensionNode) else 0
                read = self.type(name, node, part)
                types[name] = _joined(types[name], read) if name in types else read
        types = {name: type_ for name, type_ in types.items() if not self.parsed.is_machinery(name)}
        # Every subgraph has a Query, since it answers `_service`.
        types.setdefault("Query", TypeDefinition(Kind.OBJECT, "Query"))
        return Subgraph(
            name=self.parsed.name,
            url=self.parsed.url,
            links=self.parsed.links,
            version=self.parsed.version,
            description=description,
            directives=tuple(directives),
            types=types,
            definitions=definitions,
            roots=self.parsed.roots() & types.keys(),
        )

    def type(
        self, name: str, node: TypeDefinitionNode | TypeExtensionNode, part: int
    ) -> TypeDefinition:
        fields = getattr(node, "fields", None) or ()
        interfaces = getattr(node, "interfaces", None) or ()
        members = getattr(node, "types", None) or ()
        values: Sequence[EnumValueDefinitionNode] = getattr(node, "values", None) or ()
        is_definition = isinstance(node, TypeDefinitionNode)
        return TypeDefinition(
            kind=_KINDS[type(node)],
            name=name,
            description=_text(getattr(node, "description", None)),
            directives=tuple(self.applied(node.directives, part)),
            interfaces=tuple(self.renamed.get(i.name.value, i.name.value) for i in interfaces),
            fields={field.name: field for field in self._fields(name, fields, part)},
            members=tuple(self.renamed.get(m.name.value, m.name.value) for m in members),
            values={value.name.value: self.enum_value(name, value) for value in values},
            defined=is_definition,
            extended=not is_definition,
            node=node,
        )

    def _fields(
        self,
        parent: str,
        nodes: Iterable[FieldDefinitionNode | InputValueDefinitionNode],
        part: int,
    ) -> Iterator[Field]:
        for node in nodes:
            if parent == "Query" and node.name.value in MACHINE_FIELDS:
                continue
            default = getattr(node, "default_value", None)
            owner = f"{parent}.{node.name.value}"
            yield Field(
                parent=parent,
                name=node.name.value,
                type=read_type(node.type, self.renamed),
                description=_text(node.description),
                arguments=self.arguments(owner, getattr(node, "arguments", None) or ()),
                directives=tuple(self.applied(node.directives, part)),
                default=read_value(default) if default else None,
                has_default=default is not None,
                part=part,
                node=node,
            )

    def arguments(
        self, owner: str, nodes: Iterable[InputValueDefinitionNode]
    ) -> Mapping[str, Argument]:
        return {
            node.name.value: Argument(
                owner=owner,
                name=node.name.value,
                type=read_type(node.type, self.renamed),
                description=_text(node.description),
                default=read_value(node.default_value) if node.default_value else None,
                has_default=node.default_value is not None,
                directives=tuple(self.applied(node.directives)),
                node=node,
            )
            for node in nodes
        }

    def enum_value(self, parent: str, node: EnumValueDefinitionNode) -> EnumValue:
        return EnumValue(
            parent=parent,
            name=node.name.value,
            description=_text(node.description),
            directives=tuple(self.applied(node.directives)),
            node=node,
        )

    def definition(self, node: DirectiveDefinitionNode) -> DirectiveDefinition:
        name = node.name.value
        return DirectiveDefinition(
            name=name,
            description=_text(node.description),
            arguments=self.arguments(f"@{name}", node.arguments or ()),
            repeatable=node.repeatable,
            locations=tuple(location.value for location in node.locations),
            node=node,
        )

    def applied(self, nodes: Iterable[DirectiveNode] | None, part: int = 0) -> Iterator[Applied]:
        for node in nodes or ():
            yield Applied(
                name=node.name.value,
                means=self.parsed.federation_name(node.name.value),
                arguments={arg.name.value: read_value(arg.value) for arg in node.arguments or ()},
                part=part,
                node=node,
            )


def _joined(first: TypeDefinition, then: TypeDefinition) -> TypeDefinition:
    """One type from its definition and its extensions, in whatever order they stand."""
    definition = first if first.defined else then
    return replace(
        definition,
        description=first.description or then.description,
        directives=first.directives + then.directives,
        interfaces=tuple(dict.fromkeys(first.interfaces + then.interfaces)),
        fields={**first.fields, **then.fields},
        members=tuple(dict.fromkeys(first.members + then.members)),
        values={**first.values, **then.values},
        defined=first.defined or then.defined,
        extended=first.extended or then.extended,
    )


def _text(node: StringValueNode | None) -> str | None:
    return node.value if node else None
