"""What Federation 1 took for external, and what not."""

from __future__ import annotations

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
from gateway.composition.types import base_name
from gateway.composition.upgrade.mapping import is_extension, map_fields, map_types, without


def without_external_on_types_and_interfaces(subgraph: Subgraph) -> Subgraph:
    def change(type_: TypeDefinition) -> TypeDefinition:
        if type_.kind is Kind.INTERFACE:
            return map_fields(type_, lambda field: without(field, "external"))
        kept = tuple(d for d in type_.directives if d.means != "external")
        return replace(type_, directives=kept) if type_.kind is Kind.OBJECT else type_

    return map_types(subgraph, change)


def with_resolved_keys_of_extensions(subgraph: Subgraph, others: list[Facts]) -> Subgraph:
    """Key fields of an extension resolve, whatever their @external says.

    Without keys of its own, an extension's fields resolve that are in another's first key.
    """
    facts = Facts(subgraph)

    def change(type_: TypeDefinition) -> TypeDefinition:
        if not is_extension(type_) and not (type_.name in ROOTS.values() and type_.extended):
            return type_
        keys = applied(type_, "key")
        resolved = {field.name for key in keys for field in _own(facts, type_.name, key)}
        if not keys:
            for other in others:
                theirs = other.subgraph.types.get(type_.name)
                for key in applied(theirs, "key")[:1] if theirs else ():
                    resolved |= {field.name for field in _own(other, type_.name, key)}
        return map_fields(
            type_, lambda field: without(field, "external") if field.name in resolved else field
        )

    return map_types(subgraph, change)


def _own(facts: Facts, type_name: str, key: Applied) -> list[Field]:
    return [field for field in facts.selected(type_name, key) if field.parent == type_name]


def without_unused_externals(subgraph: Subgraph) -> Subgraph:
    """Types left without fields go too; where one is still referred to, a rule says so."""
    facts = Facts(subgraph)
    referenced = _referenced(subgraph)

    def change(type_: TypeDefinition) -> TypeDefinition | None:
        if type_.kind not in (Kind.OBJECT, Kind.INTERFACE):
            return type_
        unused = facts.external - facts.used
        changed = map_fields(type_, lambda f: None if f.coordinate in unused else f)
        is_needed = type_.name in referenced or type_.name == "Query"
        return changed if changed.fields or is_needed else None

    return map_types(subgraph, change)


def _referenced(subgraph: Subgraph) -> set[str]:
    found = set(subgraph.roots)
    for type_ in subgraph.types.values():
        found.update(type_.members, type_.interfaces)
        # An entity is a member of the union that `_entities` returns.
        found.update({type_.name} if has(type_, "key") else ())
        found |= {base_name(field.type) for field in type_.fields.values()}
    return found
