"""What Federation 1 let stand though it meant nothing, or means nothing any more."""

from __future__ import annotations

from dataclasses import replace

from gateway.composition.schema import COMPOSITE, ROOTS, Field, Kind, Subgraph, TypeDefinition
from gateway.composition.types import base_name
from gateway.composition.upgrade.mapping import is_extension, map_fields, map_types, without


def without_extensions(subgraph: Subgraph) -> Subgraph:
    """Who owns a type is no question any more."""

    def change(type_: TypeDefinition) -> TypeDefinition:
        if not is_extension(type_) and not (type_.name in ROOTS.values() and type_.extended):
            return type_
        directives = tuple(replace(directive, part=0) for directive in type_.directives)
        fields = {name: replace(field, part=0) for name, field in type_.fields.items()}
        return replace(type_, directives=directives, fields=fields, defined=True, extended=False)

    return map_types(subgraph, change)


def without_directives_without_effect(subgraph: Subgraph) -> Subgraph:
    """Keys on interfaces, field sets on their fields, @provides of a field without fields."""

    def change(type_: TypeDefinition) -> TypeDefinition:
        if type_.kind is Kind.INTERFACE:
            kept = tuple(d for d in type_.directives if d.means != "key")
            type_ = replace(type_, directives=kept)
            return map_fields(type_, lambda field: without(field, "provides", "requires"))
        if type_.kind is Kind.OBJECT:
            return map_fields(type_, provides)
        return type_

    def provides(field: Field) -> Field:
        is_composite = subgraph.kind(base_name(field.type)) in COMPOSITE
        return field if is_composite else without(field, "provides")

    return map_types(subgraph, change)
