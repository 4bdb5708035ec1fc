"""A subgraph's schema as composing sees it: extensions folded in, names of directives resolved.

Everything is frozen; whoever changes a schema (the upgrade from Federation 1) makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from graphql import Node

from gateway.composition.types import TypeReference
from gateway.composition.values import Value
from gateway.federation.link import Links, Version


class Kind(StrEnum):
    SCALAR = "scalar"
    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input object"


COMPOSITE = frozenset({Kind.OBJECT, Kind.INTERFACE, Kind.UNION})

ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


@dataclass(frozen=True, slots=True)
class Applied:
    """A directive application.

    `name` is the name written in the subgraph; `means` is the federation directive it is
    (`key`, whatever it was imported as), or None for another's directive. `part` numbers the
    definition (0) or extension (1, 2, …) of the type it stands in.
    """

    name: str
    means: str | None
    arguments: Mapping[str, Value]
    part: int = 0
    node: Node | None = field(default=None, compare=False, repr=False)

    def text(self, argument: str) -> str | None:
        value = self.arguments.get(argument)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field or of a directive."""

    owner: str
    name: str
    type: TypeReference
    description: str | None
    default: Value = None
    has_default: bool = False
    directives: tuple[Applied, ...] = ()
    node: Node | None = field(default=None, compare=False, repr=False)

    @property
    def coordinate(self) -> str:
        return f"{self.owner}({self.name}:)"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object, interface or input object (which alone may have a default)."""

    parent: str
    name: str
    type: TypeReference
    description: str | None
    arguments: Mapping[str, Argument]
    directives: tuple[Applied, ...] = ()
    default: Value = None
    has_default: bool = False
    part: int = 0
    node: Node | None = field(default=None, compare=False, repr=False)

    @property
    def coordinate(self) -> str:
        return f"{self.parent}.{self.name}"


@dataclass(frozen=True, slots=True)
class EnumValue:
    parent: str
    name: str
    description: str | None
    directives: tuple[Applied, ...] = ()
    node: Node | None = field(default=None, compare=False, repr=False)

    @property
    def coordinate(self) -> str:
        return f"{self.parent}.{self.name}"


@dataclass(frozen=True, slots=True)
class TypeDefinition:
    """`defined` and `extended` tell whether `type X` and `extend type X` were met."""

    kind: Kind
    name: str
    description: str | None = None
    directives: tuple[Applied, ...] = ()
    interfaces: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    values: Mapping[str, EnumValue] = field(default_factory=dict)
    defined: bool = True
    extended: bool = False
    node: Node | None = field(default=None, compare=False, repr=False)

    @property
    def coordinate(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class DirectiveDefinition:
    """A directive the subgraph's own SDL defines."""

    name: str
    description: str | None
    arguments: Mapping[str, Argument]
    repeatable: bool
    locations: tuple[str, ...]
    node: Node | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """`version` is None for Federation 1. Root types bear their default names."""

    name: str
    url: str
    links: Links
    version: Version | None
    description: str | None
    directives: tuple[Applied, ...]
    types: Mapping[str, TypeDefinition]
    definitions: Mapping[str, DirectiveDefinition]
    roots: frozenset[str]

    def kind(self, name: str) -> Kind | None:
        return self.types[name].kind if name in self.types else None

    def field(self, type_name: str, field_name: str) -> Field | None:
        type_ = self.types.get(type_name)
        return type_.fields.get(field_name) if type_ else None

    def output_types(self) -> Iterator[TypeDefinition]:
        """Objects and interfaces: the types with fields that resolve."""
        for type_ in self.types.values():
            if type_.kind in (Kind.OBJECT, Kind.INTERFACE):
                yield type_

    def implementations(self, interface: str) -> list[TypeDefinition]:
        return [
            type_
            for type_ in self.types.values()
            if type_.kind is Kind.OBJECT and interface in type_.interfaces
        ]

    def possible_types(self, name: str) -> frozenset[str]:
        """The object types a value of type `name` can have in this subgraph."""
        type_ = self.types.get(name)
        if type_ is None:
            return frozenset()
        if type_.kind is Kind.UNION:
            return frozenset(type_.members)
        if type_.kind is Kind.INTERFACE:
            return frozenset(found.name for found in self.implementations(name))
        return frozenset({name})


Element = TypeDefinition | Field | Argument | EnumValue | Subgraph


def applied(element: Element, means: str) -> list[Applied]:
    """The applications of a federation directive, whatever the subgraph calls it."""
    return [directive for directive in element.directives if directive.means == means]


def has(element: Element, means: str) -> bool:
    return any(directive.means == means for directive in element.directives)


def elements(subgraph: Subgraph) -> Iterator[TypeDefinition | Field | Argument | EnumValue]:
    """Everything a directive can stand on, except the schema itself."""
    for type_ in subgraph.types.values():
        yield type_
        yield from type_.values.values()
        for field_ in type_.fields.values():
            yield field_
            yield from field_.arguments.values()
