"""Merging enums and input objects, which depend on what they are used for.

What only comes out is the union of what the subgraphs know; what goes in is what all of them
know; an enum that does both must be the same everywhere (a rule sees to that).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.composition.merge.applied import merge_applied
from gateway.composition.merge.composable import Composable
from gateway.composition.merge.defaults import merge_defaults
from gateway.composition.merge.descriptions import merge_descriptions
from gateway.composition.merge.join import join_enum_values, join_fields
from gateway.composition.merge.references import merge_references
from gateway.composition.schema import (
    DirectiveDefinition,
    EnumValue,
    Field,
    Kind,
    TypeDefinition,
    has,
)
from gateway.composition.subgraphs import Subgraphs
from gateway.composition.types import base_name


@dataclass(frozen=True, slots=True)
class EnumUsage:
    """An example of each position an enum is used in."""

    input: str | None = None
    output: str | None = None


def enum_usages(
    subgraphs: Subgraphs,
    merged: Mapping[str, TypeDefinition],
    definitions: Iterable[DirectiveDefinition],
) -> dict[str, EnumUsage]:
    """Where each enum is used by the merged fields and arguments, and by any input field."""
    inputs = {
        base_name(argument.type): argument.coordinate
        for definition in definitions
        for argument in definition.arguments.values()
    }
    outputs: dict[str, str] = {}
    for type_ in merged.values():
        for field in type_.fields.values():
            if type_.kind is not Kind.INPUT:
                outputs.setdefault(base_name(field.type), field.coordinate)
                for argument in field.arguments.values():
                    inputs.setdefault(base_name(argument.type), argument.coordinate)
    for member in subgraphs.members:
        for type_ in member.subgraph.types.values():
            if type_.kind is Kind.INPUT:
                for field in type_.fields.values():
                    inputs.setdefault(base_name(field.type), field.coordinate)
    enums = [name for name, kind in subgraphs.kinds.items() if kind is Kind.ENUM]
    return {name: EnumUsage(inputs.get(name), outputs.get(name)) for name in enums}


def value_sources(
    sources: Mapping[str, TypeDefinition],
) -> dict[str, dict[str, EnumValue | None]]:
    names = dict.fromkeys(name for type_ in sources.values() for name in type_.values)
    return {
        name: {subgraph: type_.values.get(name) for subgraph, type_ in sources.items()}
        for name in names
    }


def merge_enum_values(
    subgraphs: Subgraphs,
    composable: Composable,
    sources: Mapping[str, TypeDefinition],
    usage: EnumUsage,
) -> dict[str, EnumValue]:
    """A value that is not everywhere stays out of an input enum, unless it is hidden anyway."""
    merged = {}
    only_input = usage.input is not None and usage.output is None
    for name, found in value_sources(sources).items():
        if only_input and not all(found.values()) and not is_hidden(found):
            continue
        first = next(value for value in found.values() if value)
        merged[name] = EnumValue(
            parent=first.parent,
            name=name,
            description=merge_descriptions(v.description for v in found.values() if v),
            directives=(*join_enum_values(subgraphs, found), *merge_applied(composable, found)),
        )
    return merged


def merge_input_fields(
    subgraphs: Subgraphs, composable: Composable, type_name: str
) -> dict[str, Field]:
    merged = {}
    for name, sources in subgraphs.field_sources(type_name).items():
        if all(sources.values()) or is_hidden(sources):
            merged[name] = _merge_input_field(subgraphs, composable, sources)
    return merged


def is_hidden(sources: Mapping[str, Field | None] | Mapping[str, EnumValue | None]) -> bool:
    return any(source is not None and has(source, "inaccessible") for source in sources.values())


def _merge_input_field(
    subgraphs: Subgraphs, composable: Composable, sources: Mapping[str, Field | None]
) -> Field:
    present = [field for field in sources.values() if field is not None]
    reference = merge_references(
        [field.type for field in present], subgraphs.is_possible, is_input=True
    )
    has_default, default = merge_defaults(present)
    joins = join_fields(subgraphs, sources, {}, equal=reference.equal)
    return Field(
        parent=present[0].parent,
        name=present[0].name,
        type=reference.type,
        description=merge_descriptions(field.description for field in present),
        arguments={},
        directives=(*joins, *merge_applied(composable, sources)),
        default=default,
        has_default=has_default,
    )
