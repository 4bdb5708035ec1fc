"""Putting the merged types together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.composition.merge.access import inherited_access
from gateway.composition.merge.applied import merge_applied
from gateway.composition.merge.composable import ACCESS_DIRECTIVES, Composable, find_composable
from gateway.composition.merge.descriptions import merge_descriptions
from gateway.composition.merge.executable import merge_executable_directives
from gateway.composition.merge.fields import merge_field
from gateway.composition.merge.join import (
    join_implements,
    join_inherited,
    join_types,
    join_union_members,
)
from gateway.composition.merge.leaves import (
    EnumUsage,
    enum_usages,
    merge_enum_values,
    merge_input_fields,
)
from gateway.composition.schema import (
    ROOTS,
    Applied,
    DirectiveDefinition,
    Field,
    Kind,
    TypeDefinition,
)
from gateway.composition.subgraphs import Subgraphs


@dataclass(frozen=True, slots=True)
class Supergraph:
    """The merged schema. `roots` are the root types that have fields."""

    subgraphs: Subgraphs
    composable: Composable
    description: str | None
    directives: tuple[Applied, ...]
    types: Mapping[str, TypeDefinition]
    definitions: tuple[DirectiveDefinition, ...]
    usages: Mapping[str, EnumUsage]
    inherited: Mapping[str, Mapping[str, list[Applied]]]
    roots: frozenset[str]

    def implementations(self, interface: str) -> list[TypeDefinition]:
        return [type_ for type_ in self.types.values() if interface in type_.interfaces]


def merge_subgraphs(subgraphs: Subgraphs) -> Supergraph:
    merger = _Merger(
        subgraphs,
        find_composable(subgraphs),
        inherited_access(subgraphs),
    )
    types = {name: merger.type(name) for name in subgraphs.kinds}
    # What an enum holds depends on where the other types use it.
    definitions = merge_executable_directives(subgraphs, merger.composable)
    custom = merger.composable.custom.definitions.values()
    usages = enum_usages(subgraphs, types, [*definitions, *custom])
    types |= {name: merger.with_values(types[name], usage) for name, usage in usages.items()}
    types = merger.with_interface_object_fields(types)
    if not types["Query"].fields:
        del types["Query"]
    subgraph_roots = [member.subgraph.roots for member in subgraphs.members]
    return Supergraph(
        subgraphs=subgraphs,
        composable=merger.composable,
        description=merge_descriptions(m.subgraph.description for m in subgraphs.members),
        directives=merge_applied(
            merger.composable, {member.name: member.subgraph for member in subgraphs.members}
        ),
        types=dict(sorted(types.items())),
        definitions=definitions,
        usages=usages,
        inherited=merger.inherited,
        roots=frozenset(ROOTS.values()).intersection(types, frozenset().union(*subgraph_roots)),
    )


@dataclass(frozen=True, slots=True)
class _Merger:
    subgraphs: Subgraphs
    composable: Composable
    inherited: Mapping[str, Mapping[str, list[Applied]]]

    def type(self, name: str) -> TypeDefinition:
        kind = self.subgraphs.kinds[name]
        sources = self.subgraphs.sources(name)
        joins = join_types(self.subgraphs, sources)
        merged = TypeDefinition(
            kind=kind,
            name=name,
            description=merge_descriptions(type_.description for type_ in sources.values()),
        )
        if kind in (Kind.OBJECT, Kind.INTERFACE):
            joins = join_implements(self.subgraphs, sources) + joins
            interfaces = self.subgraphs.interfaces.get(name, ())
            merged = replace(merged, interfaces=interfaces, fields=self._fields(name))
        elif kind is Kind.UNION:
            members = self.subgraphs.members_of_unions.get(name, ())
            joins += join_union_members(self.subgraphs, sources, members)
            merged = replace(merged, members=members)
        elif kind is Kind.INPUT:
            fields = merge_input_fields(self.subgraphs, self.composable, name)
            merged = replace(merged, fields=fields)
        inherited = self.inherited.get(name, {}) if kind is Kind.INTERFACE else {}
        directives = merge_applied(self.composable, sources, inherited)
        return replace(merged, directives=(*joins, *directives))

    def with_values(self, type_: TypeDefinition, usage: EnumUsage) -> TypeDefinition:
        sources = self.subgraphs.sources(type_.name)
        values = merge_enum_values(self.subgraphs, self.composable, sources, usage)
        return replace(type_, values=values)

    def _fields(self, name: str) -> dict[str, Field]:
        return {
            field_name: merge_field(
                self.subgraphs,
                self.composable,
                sources,
                self.inherited.get(f"{name}.{field_name}", {}),
            )
            for field_name, sources in self.subgraphs.field_sources(name).items()
        }

    def with_interface_object_fields(
        self, types: dict[str, TypeDefinition]
    ) -> dict[str, TypeDefinition]:
        """Give implementations the fields that only an interface object provides."""
        completed = dict(types)
        for type_ in types.values():
            if type_.kind is not Kind.OBJECT:
                continue
            fields = dict(type_.fields)
            for interface in type_.interfaces:
                for field in types[interface].fields.values():
                    if field.name not in fields and self._is_stood_in(interface, field.name):
                        fields[field.name] = self._copied(field, type_.name)
            completed[type_.name] = replace(type_, fields=fields)
        return completed

    def _is_stood_in(self, interface: str, field_name: str) -> bool:
        for member in self.subgraphs.members:
            type_ = member.subgraph.types.get(interface)
            if type_ is not None and member.facts.is_interface_object(type_):
                field = type_.fields.get(field_name)
                if field is not None and not member.facts.is_external(field):
                    return True
        return False

    def _copied(self, field: Field, parent: str) -> Field:
        owner = f"{parent}.{field.name}"
        kept = [
            directive
            for directive in field.directives
            if directive.name != "join__field" and directive.means not in ACCESS_DIRECTIVES
        ]
        access = merge_applied(self.composable, {}, self.inherited.get(owner, {}))
        arguments = {
            name: replace(argument, owner=owner) for name, argument in field.arguments.items()
        }
        directives = (join_inherited(), *kept, *access)
        return replace(field, parent=parent, arguments=arguments, directives=directives)
