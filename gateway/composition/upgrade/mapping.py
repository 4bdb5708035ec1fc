"""Changing a schema type by type and field by field; what has no change is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.composition.schema import Field, Kind, Subgraph, TypeDefinition, has


def map_types(
    subgraph: Subgraph, change: Callable[[TypeDefinition], TypeDefinition | None]
) -> Subgraph:
    changed = {name: change(type_) for name, type_ in subgraph.types.items()}
    return replace(subgraph, types={name: t for name, t in changed.items() if t is not None})


def map_fields(type_: TypeDefinition, change: Callable[[Field], Field | None]) -> TypeDefinition:
    changed = {name: change(field) for name, field in type_.fields.items()}
    return replace(type_, fields={name: field for name, field in changed.items() if field})


def without(field: Field, *directives: str) -> Field:
    kept = tuple(directive for directive in field.directives if directive.means not in directives)
    return replace(field, directives=kept)


def is_extension(type_: TypeDefinition) -> bool:
    """Whether Federation 1 takes the type for an extension of one defined elsewhere."""
    if type_.kind not in (Kind.OBJECT, Kind.INTERFACE):
        return False
    return has(type_, "extends") or (type_.extended and not type_.defined)
