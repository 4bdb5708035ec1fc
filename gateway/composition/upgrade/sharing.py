"""What Federation 1 shared without saying so, and tags it said twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.composition.facts import Facts
from gateway.composition.schema import (
    ROOTS,
    Applied,
    Field,
    Kind,
    Subgraph,
    TypeDefinition,
    applied,
    has,
)
from gateway.composition.upgrade.mapping import map_fields, map_types
from gateway.composition.values import Value


def with_shareable(subgraph: Subgraph, own_keys: frozenset[str], others: list[Facts]) -> Subgraph:
    """What several subgraphs resolve was always shared: value types whole, else by the field."""
    marked = Applied("shareable", "shareable", {})

    def change(type_: TypeDefinition) -> TypeDefinition:
        if type_.kind is not Kind.OBJECT or type_.name == "Subscription":
            return type_
        having = [facts for facts in others if type_.name in facts.subgraph.types]
        if has(type_, "key") or type_.name in ROOTS.values():
            return map_fields(type_, lambda field: shared(field, having))
        if not having or has(type_, "shareable"):
            return type_
        return replace(type_, directives=(*type_.directives, marked, *_for_parts(type_)))

    def shared(field: Field, having: list[Facts]) -> Field:
        if field.coordinate in own_keys or has(field, "shareable"):
            return field
        for facts in having:
            theirs = facts.subgraph.types[field.parent].fields.get(field.name)
            if theirs and not facts.is_fully_external(theirs):
                return replace(field, directives=(*field.directives, marked))
        return field

    return map_types(subgraph, change)


def _for_parts(type_: TypeDefinition) -> list[Applied]:
    """The same for fields that stand in extensions of the type."""
    parts = {field.part for field in type_.fields.values()} - {0}
    return [Applied("shareable", "shareable", {}, part=part) for part in sorted(parts)]


def without_tags_told_elsewhere(subgraph: Subgraph, others: list[Facts]) -> Subgraph:
    """A tag repeated on an external field is told by the subgraph that resolves it."""

    def told(field: Field, tag: Mapping[str, Value]) -> bool:
        for facts in others:
            theirs = facts.subgraph.field(field.parent, field.name)
            if theirs is None or has(theirs, "external"):
                continue
            if any(other.arguments == tag for other in applied(theirs, "tag")):
                return True
        return False

    def change(field: Field) -> Field:
        if not has(field, "external"):
            return field
        kept = tuple(
            directive
            for directive in field.directives
            if directive.means != "tag" or not told(field, directive.arguments)
        )
        return replace(field, directives=kept)

    return map_types(subgraph, lambda type_: map_fields(type_, change))
