"""All subgraphs beside each other: who has which type, and who says what of a field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gateway.composition.facts import Facts
from gateway.composition.schema import Field, Kind, Subgraph, TypeDefinition, has

_UNDERSCORED_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Member:
    """A subgraph about to be merged; `graph` is its name in the enum `join__Graph`."""

    subgraph: Subgraph
    facts: Facts
    graph: str

    @property
    def name(self) -> str:
        return self.subgraph.name


class Subgraphs:
    """The members in the order of their names, so that the order of the input is without effect."""

    def __init__(self, subgraphs: list[Subgraph]) -> None:
        ordered = sorted(subgraphs, key=lambda subgraph: subgraph.name)
        graphs = _graph_names([subgraph.name for subgraph in ordered])
        self.members = tuple(
            Member(subgraph, Facts(subgraph), graphs[subgraph.name]) for subgraph in ordered
        )

    @cached_property
    def by_name(self) -> Mapping[str, Member]:
        return {member.name: member for member in self.members}

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind each type gets. Of mismatched kinds the first stands; a rule refuses them."""
        kinds: dict[str, Kind] = {}
        for member in self.members:
            for type_ in member.subgraph.types.values():
                kinds.setdefault(type_.name, merged_kind(type_))
        return kinds

    def sources(self, type_name: str) -> dict[str, TypeDefinition]:
        """The definitions that are merged into a type, by subgraph."""
        kind = self.kinds[type_name]
        found = {}
        for member in self.members:
            type_ = member.subgraph.types.get(type_name)
            if type_ is not None and merged_kind(type_) is kind:
                found[member.name] = type_
        return found

    @cached_property
    def interfaces(self) -> Mapping[str, tuple[str, ...]]:
        """What each object and interface implements in any subgraph."""
        found: dict[str, dict[str, None]] = {}
        for member in self.members:
            for type_ in member.subgraph.output_types():
                found.setdefault(type_.name, {}).update(dict.fromkeys(type_.interfaces))
        return {name: tuple(interfaces) for name, interfaces in found.items()}

    @cached_property
    def members_of_unions(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for name, kind in self.kinds.items():
            if kind is Kind.UNION:
                for type_ in self.sources(name).values():
                    found.setdefault(name, {}).update(dict.fromkeys(type_.members))
        return {name: tuple(members) for name, members in found.items()}

    @cached_property
    def implementations(self) -> Mapping[str, tuple[str, ...]]:
        """The object types that implement each interface in any subgraph."""
        found: dict[str, dict[str, None]] = {}
        for name, interfaces in self.interfaces.items():
            if self.kinds[name] is Kind.OBJECT:
                for interface in interfaces:
                    found.setdefault(interface, {})[name] = None
        return {name: tuple(objects) for name, objects in found.items()}

    def objects(self, type_name: str) -> frozenset[str]:
        """The object types a value of the type can have in the supergraph."""
        kind = self.kinds.get(type_name)
        if kind is Kind.UNION:
            return frozenset(self.members_of_unions.get(type_name, ()))
        if kind is Kind.INTERFACE:
            return frozenset(self.implementations.get(type_name, ()))
        return frozenset({type_name})

    def is_possible(self, abstract: str, name: str) -> bool:
        """Whether `name` is a member or an implementation of `abstract` in the supergraph."""
        return name in self.members_of_unions.get(abstract, ()) or abstract in self.interfaces.get(
            name, ()
        )

    def field_sources(self, type_name: str) -> dict[str, dict[str, Field | None]]:
        """Per field of a type, what each subgraph has of it: None where it has only the type.

        A subgraph that stands in for the type by an `@interfaceObject` counts with None as well.
        """
        sources = self.sources(type_name)
        beside: dict[str, Field | None] = {
            member.name: None
            for member in self.members
            if type_name in member.subgraph.types or self._stands_in(member, type_name)
        }
        found: dict[str, dict[str, Field | None]] = {}
        for subgraph, type_ in sources.items():
            for field in type_.fields.values():
                found.setdefault(field.name, dict(beside))[subgraph] = field
        return found

    def _stands_in(self, member: Member, type_name: str) -> bool:
        for interface in self.interfaces.get(type_name, ()):
            type_ = member.subgraph.types.get(interface)
            if type_ is not None and member.facts.is_interface_object(type_):
                return True
        return False

    def abstracted(self, member: Member, type_name: str, field_name: str) -> list[Field]:
        """The fields of interface objects that stand in for a field the member lacks.

        Only where the member does not define the object type itself.
        """
        subgraph = member.subgraph
        if self.kinds.get(type_name) is not Kind.OBJECT or type_name in subgraph.types:
            return []
        return [
            type_.fields[field_name]
            for interface in self.interfaces.get(type_name, ())
            if (type_ := subgraph.types.get(interface)) is not None
            and type_.kind is Kind.OBJECT
            and field_name in type_.fields
        ]

    def fields(self) -> Iterator[tuple[str, str, dict[str, Field | None]]]:
        """Every field of every object and interface: type, name and what each subgraph has."""
        for type_name, kind in self.kinds.items():
            if kind in (Kind.OBJECT, Kind.INTERFACE):
                for field_name, sources in self.field_sources(type_name).items():
                    yield type_name, field_name, sources


def merged_kind(type_: TypeDefinition) -> Kind:
    """An interface object is an interface to everyone else."""
    if type_.kind is Kind.OBJECT and has(type_, "interfaceObject"):
        return Kind.INTERFACE
    return type_.kind


def _graph_names(subgraphs: list[str]) -> dict[str, str]:
    """https://specs.apollo.dev/join/v0.3/#@graph: a name made of what enum values may hold."""
    by_name: dict[str, list[str]] = {}
    for subgraph in subgraphs:
        name = re.sub(r"\W", "_", subgraph, flags=re.ASCII)
        name = f"_{name}" if name[:1].isdigit() else name
        name = f"{name}_" if _UNDERSCORED_NUMBER.search(name) else name
        by_name.setdefault(name.upper(), []).append(subgraph)
    graphs = {}
    for name, alike in by_name.items():
        for number, subgraph in enumerate(alike, start=1):
            graphs[subgraph] = name if len(alike) == 1 else f"{name}_{number}"
    return graphs
