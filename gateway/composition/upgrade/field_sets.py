"""Field sets as Federation 1 read them."""

from __future__ import annotations

from dataclasses import replace

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.facts import selections_of
from gateway.composition.schema import COMPOSITE, Applied, Field, Subgraph, TypeDefinition, has
from gateway.composition.types import base_name
from gateway.composition.upgrade.mapping import map_fields, map_types
from gateway.composition.values import EnumName, Value
from gateway.federation.field_set import print_field_set

_FIELD_SETS = ("key", "requires", "provides")


def with_text_field_sets(subgraph: Subgraph) -> Subgraph:
    """`fields: id` and `fields: ["id", "name"]` were read as the string they seem to mean."""

    def fixed(directive: Applied) -> Applied:
        if directive.means not in _FIELD_SETS:
            return directive
        text = _coerced(directive.arguments.get("fields"))
        return replace(directive, arguments={**directive.arguments, "fields": text})

    def fix(type_: TypeDefinition) -> TypeDefinition:
        fields = {
            name: replace(field, directives=tuple(map(fixed, field.directives)))
            for name, field in type_.fields.items()
        }
        return replace(type_, directives=tuple(map(fixed, type_.directives)), fields=fields)

    return map_types(subgraph, fix)


def _coerced(value: Value) -> Value:
    if isinstance(value, EnumName):
        return value.name
    if isinstance(value, tuple):
        texts = [item for item in value if isinstance(item, str)]
        return " ".join(texts) if len(texts) == len(value) else value
    return value


def with_active_field_sets(subgraph: Subgraph) -> Subgraph:
    """A @requires or @provides of what the subgraph resolves anyway was without effect."""

    def active(field: Field) -> Field:
        directives = []
        for directive in field.directives:
            parent = {"requires": field.parent, "provides": base_name(field.type)}.get(
                directive.means or ""
            )
            selections = selections_of(directive.text("fields")) if parent else None
            if parent is None or selections is None or not _selects(subgraph, parent, selections):
                directives.append(directive)
                continue
            kept = _external_part(subgraph, parent, selections)
            if kept is not None:
                text = print_field_set(kept) if kept != selections else directive.text("fields")
                directives.append(replace(directive, arguments={"fields": text}))
        return replace(field, directives=tuple(directives))

    return map_types(subgraph, lambda type_: map_fields(type_, active))


def _selects(subgraph: Subgraph, parent: str, selections: SelectionSetNode) -> bool:
    """Whether the field set is valid, at least in naming fields that exist."""
    for selection in selections.selections:
        inner = parent
        if isinstance(selection, FieldNode):
            field = subgraph.field(parent, selection.name.value)
            if field is None:
                return False
            inner = base_name(field.type)
            is_composite = subgraph.kind(inner) in COMPOSITE
            if is_composite != (selection.selection_set is not None):
                return False
        elif isinstance(selection, InlineFragmentNode) and selection.type_condition:
            inner = selection.type_condition.name.value
        nested = getattr(selection, "selection_set", None)
        if nested and not _selects(subgraph, inner, nested):
            return False
    return True


def _external_part(
    subgraph: Subgraph, parent: str, selections: SelectionSetNode
) -> SelectionSetNode | None:
    kept: list[FieldNode | InlineFragmentNode] = []
    for selection in selections.selections:
        assert isinstance(selection, FieldNode | InlineFragmentNode)
        inner = parent
        if isinstance(selection, FieldNode):
            field = subgraph.types[parent].fields[selection.name.value]
            if _is_external_somewhere(subgraph, field):
                kept.append(selection)
                continue
            inner = base_name(field.type)
        elif selection.type_condition:
            inner = selection.type_condition.name.value
        if selection.selection_set:
            part = _external_part(subgraph, inner, selection.selection_set)
            if part is not None:
                kept.append(_with_selections(selection, part))
    if [*kept] == [*selections.selections]:
        return selections
    return SelectionSetNode(selections=tuple(kept)) if kept else None


def _with_selections(
    selection: FieldNode | InlineFragmentNode, selections: SelectionSetNode
) -> FieldNode | InlineFragmentNode:
    if selections is selection.selection_set:
        return selection
    if isinstance(selection, FieldNode):
        return FieldNode(
            name=selection.name,
            alias=selection.alias,
            arguments=selection.arguments,
            directives=selection.directives,
            selection_set=selections,
        )
    return InlineFragmentNode(
        type_condition=selection.type_condition,
        directives=selection.directives,
        selection_set=selections,
    )


def _is_external_somewhere(subgraph: Subgraph, field: Field) -> bool:
    """The field itself or, on an interface, that of an implementation."""
    return has(field, "external") or any(
        field.name in type_.fields and has(type_.fields[field.name], "external")
        for type_ in subgraph.implementations(field.parent)
    )
