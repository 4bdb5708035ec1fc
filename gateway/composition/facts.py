"""What follows from a subgraph's directives: which fields are external, provided, shareable, used.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.context import parse_context
from gateway.composition.schema import (
    COMPOSITE,
    Applied,
    Argument,
    Field,
    Kind,
    Subgraph,
    TypeDefinition,
    applied,
    has,
)
from gateway.composition.types import base_name
from gateway.federation.field_set import FieldSetError, parse_field_set


class Facts:
    """Sets of field coordinates, each found when first asked for."""

    def __init__(self, subgraph: Subgraph) -> None:
        self.subgraph = subgraph

    def is_external(self, field: Field) -> bool:
        return field.coordinate in self.external

    def is_fully_external(self, field: Field) -> bool:
        return field.coordinate in self.external and field.coordinate not in self.provided

    def is_interface_object(self, type_: TypeDefinition) -> bool:
        return type_.kind is Kind.OBJECT and has(type_, "interfaceObject")

    @cached_property
    def external(self) -> frozenset[str]:
        """Fields the subgraph does not resolve by itself."""
        marked = set()
        for type_ in self.subgraph.output_types():
            # Federation 1 gave @external on a type no meaning.
            whole = self.subgraph.version is not None and has(type_, "external")
            marked |= {f.coordinate for f in type_.fields.values() if whole or has(f, "external")}
        return frozenset(marked - self.fake_external)

    @cached_property
    def fake_external(self) -> frozenset[str]:
        """Key fields of an extension: Federation 1 had them marked, though they do resolve."""
        found = set()
        for type_ in self.subgraph.output_types():
            for key in applied(type_, "key"):
                if key.part or has(type_, "extends"):
                    fields = self.selected(type_.name, key)
                    found |= {f.coordinate for f in fields if has(f, "external")}
        return frozenset(found)

    @cached_property
    def provided(self) -> frozenset[str]:
        return frozenset(
            selected.coordinate
            for field, provides in self.applications("provides")
            for selected in self.selected(base_name(field.type), provides, implementations=True)
        )

    @cached_property
    def shareable(self) -> frozenset[str]:
        """Fields other subgraphs may resolve too: marked, in a key, or provided here."""
        found = set()
        for type_ in self.subgraph.output_types():
            for key in applied(type_, "key"):
                fields = self.selected(type_.name, key, implementations=True)
                found |= {field.coordinate for field in fields}
            if type_.kind is not Kind.OBJECT:
                continue
            parts = {directive.part for directive in applied(type_, "shareable")}
            found |= {
                field.coordinate
                for field in type_.fields.values()
                if field.part in parts or has(field, "shareable")
            }
        return frozenset(found | (self.provided & self.external))

    @cached_property
    def used(self) -> frozenset[str]:
        """Fields that a field set names, or an interface asks for."""
        found = {
            selected.coordinate
            for type_ in self.subgraph.output_types()
            for key in applied(type_, "key")
            for selected in self.selected(type_.name, key, implementations=True)
        }
        for field, requires in self.applications("requires"):
            fields = self.selected(field.parent, requires, implementations=True)
            found |= {selected.coordinate for selected in fields}
        found |= self.provided | self._used_from_context() | self._used_by_interfaces()
        return frozenset(found)

    def applications(self, means: str) -> Iterator[tuple[Field, Applied]]:
        """The fields that carry a federation directive."""
        for type_ in self.subgraph.output_types():
            for field in type_.fields.values():
                for directive in applied(field, means):
                    yield field, directive

    def context_arguments(self) -> Iterator[tuple[TypeDefinition, Field, Argument, Applied]]:
        for type_ in self.subgraph.output_types():
            for field in type_.fields.values():
                for argument in field.arguments.values():
                    for directive in applied(argument, "fromContext"):
                        yield type_, field, argument, directive

    def contexts(self) -> dict[str, list[TypeDefinition]]:
        """The types that set each context."""
        found: dict[str, list[TypeDefinition]] = {}
        for type_ in self.subgraph.types.values():
            for directive in applied(type_, "context"):
                found.setdefault(directive.text("name") or "", []).append(type_)
        return found

    def selected(
        self, parent: str, directive: Applied, *, implementations: bool = False
    ) -> list[Field]:
        """The fields a directive's field set names, as far as they exist."""
        selections = selections_of(directive.text("fields"))
        if selections is None:
            return []
        return list(self.walk(parent, selections, implementations=implementations))

    def walk(
        self, parent: str, selections: SelectionSetNode, *, implementations: bool
    ) -> Iterator[Field]:
        """With `implementations`, a field of an interface brings those of its objects along."""
        for selection in selections.selections:
            inner = parent
            if isinstance(selection, FieldNode):
                field = self.subgraph.field(parent, selection.name.value)
                if field is None:
                    continue
                yield field
                if implementations and self.subgraph.kind(parent) is Kind.INTERFACE:
                    for type_ in self.subgraph.implementations(parent):
                        if field.name in type_.fields:
                            yield type_.fields[field.name]
                inner = base_name(field.type)
            else:
                assert isinstance(selection, InlineFragmentNode)
                if selection.type_condition:
                    inner = selection.type_condition.name.value
            if selection.selection_set and self.subgraph.kind(inner) in COMPOSITE:
                yield from self.walk(
                    inner, selection.selection_set, implementations=implementations
                )

    def _used_by_interfaces(self) -> set[str]:
        found = set()
        for type_ in self.subgraph.types.values():
            if type_.kind is Kind.OBJECT:
                for interface in type_.interfaces:
                    wanted = self.subgraph.types.get(interface)
                    names = wanted.fields.keys() if wanted else ()
                    found |= {f"{type_.name}.{name}" for name in names if name in type_.fields}
        return found

    def _used_from_context(self) -> set[str]:
        contexts = self.contexts()
        found = set()
        for _, _, _, directive in self.context_arguments():
            name, selection = parse_context(directive.text("field") or "")
            selections = selections_of(selection)
            for type_ in contexts.get(name or "", ()):
                if selections is not None:
                    fields = self.walk(type_.name, selections, implementations=True)
                    found |= {field.coordinate for field in fields}
        return found


@lru_cache(maxsize=16_384)
def selections_of(text: str | None) -> SelectionSetNode | None:
    """The parsed field set, or None when it is none: saying so is a rule's work."""
    try:
        return parse_field_set(text) if text is not None else None
    except FieldSetError:
        return None
