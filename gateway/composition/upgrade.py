"""From Federation 1 to 2: saying out loud what Federation 1 took for granted.

Each step is what Federation 1 did silently. https://www.apollographql.com/docs/graphos/reference/
federation/federation-2-migration. The steps come in this order because field sets are only worth
trimming once key fields of extensions are known to resolve, unused externals show only once the
field sets are trimmed, and sharing is judged on the fields that are left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.facts import Facts, selections_of
from gateway.composition.schema import (
    COMPOSITE,
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
from gateway.composition.values import EnumName, Value
from gateway.federation.field_set import print_field_set
from gateway.federation.link import Version

UPGRADED = Version(2, 4)

_FIELD_SETS = ("key", "requires", "provides")


def upgrade(subgraph: Subgraph, everyone: Iterable[Subgraph]) -> Subgraph:
    """The subgraph as Federation 2 would have it written; Federation 2 comes back as it is."""
    if subgraph.version is not None:
        return subgraph
    others = [Facts(other) for other in everyone if other.name != subgraph.name]
    own_keys = Facts(subgraph).shareable
    upgraded = _with_text_field_sets(subgraph)
    upgraded = _without_external_on_types_and_interfaces(upgraded)
    upgraded = _with_resolved_keys_of_extensions(upgraded, others)
    upgraded = _with_active_field_sets(replace(upgraded, version=UPGRADED))
    upgraded = _without_extensions(upgraded)
    upgraded = _without_directives_without_effect(upgraded)
    upgraded = _without_unused_externals(upgraded)
    upgraded = _with_shareable(upgraded, own_keys, others)
    return _without_tags_told_elsewhere(upgraded, others)


def is_extension(type_: TypeDefinition) -> bool:
    """Whether Federation 1 takes the type for an extension of one defined elsewhere."""
    if type_.kind not in (Kind.OBJECT, Kind.INTERFACE):
        return False
    return has(type_, "extends") or (type_.extended and not type_.defined)


def _map_types(
    subgraph: Subgraph, change: Callable[[TypeDefinition], TypeDefinition | None]
) -> Subgraph:
    changed = {name: change(type_) for name, type_ in subgraph.types.items()}
    return replace(subgraph, types={name: t for name, t in changed.items() if t is not None})


def _map_fields(type_: TypeDefinition, change: Callable[[Field], Field | None]) -> TypeDefinition:
    changed = {name: change(field) for name, field in type_.fields.items()}
    return replace(type_, fields={name: field for name, field in changed.items() if field})


def _without(field: Field, *directives: str) -> Field:
    kept = tuple(directive for directive in field.directives if directive.means not in directives)
    return replace(field, directives=kept)


def _with_text_field_sets(subgraph: Subgraph) -> Subgraph:
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

    return _map_types(subgraph, fix)


def _coerced(value: Value) -> Value:
    if isinstance(value, EnumName):
        return value.name
    if isinstance(value, tuple):
        texts = [item for item in value if isinstance(item, str)]
        return " ".join(texts) if len(texts) == len(value) else value
    return value


def _without_external_on_types_and_interfaces(subgraph: Subgraph) -> Subgraph:
    def change(type_: TypeDefinition) -> TypeDefinition:
        if type_.kind is Kind.INTERFACE:
            return _map_fields(type_, lambda field: _without(field, "external"))
        kept = tuple(d for d in type_.directives if d.means != "external")
        return replace(type_, directives=kept) if type_.kind is Kind.OBJECT else type_

    return _map_types(subgraph, change)


def _with_resolved_keys_of_extensions(subgraph: Subgraph, others: list[Facts]) -> Subgraph:
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
        return _map_fields(
            type_, lambda field: _without(field, "external") if field.name in resolved else field
        )

    return _map_types(subgraph, change)


def _own(facts: Facts, type_name: str, key: Applied) -> list[Field]:
    return [field for field in facts.selected(type_name, key) if field.parent == type_name]


def _with_active_field_sets(subgraph: Subgraph) -> Subgraph:
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

    return _map_types(subgraph, lambda type_: _map_fields(type_, active))


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


def _without_extensions(subgraph: Subgraph) -> Subgraph:
    """Who owns a type is no question any more."""

    def change(type_: TypeDefinition) -> TypeDefinition:
        if not is_extension(type_) and not (type_.name in ROOTS.values() and type_.extended):
            return type_
        directives = tuple(replace(directive, part=0) for directive in type_.directives)
        fields = {name: replace(field, part=0) for name, field in type_.fields.items()}
        return replace(type_, directives=directives, fields=fields, defined=True, extended=False)

    return _map_types(subgraph, change)


def _without_directives_without_effect(subgraph: Subgraph) -> Subgraph:
    """Keys on interfaces, field sets on their fields, @provides of a field without fields."""

    def change(type_: TypeDefinition) -> TypeDefinition:
        if type_.kind is Kind.INTERFACE:
            kept = tuple(d for d in type_.directives if d.means != "key")
            type_ = replace(type_, directives=kept)
            return _map_fields(type_, lambda field: _without(field, "provides", "requires"))
        if type_.kind is Kind.OBJECT:
            return _map_fields(type_, provides)
        return type_

    def provides(field: Field) -> Field:
        is_composite = subgraph.kind(base_name(field.type)) in COMPOSITE
        return field if is_composite else _without(field, "provides")

    return _map_types(subgraph, change)


def _without_unused_externals(subgraph: Subgraph) -> Subgraph:
    """Types left without fields go too; where one is still referred to, a rule says so."""
    facts = Facts(subgraph)
    referenced = _referenced(subgraph)

    def change(type_: TypeDefinition) -> TypeDefinition | None:
        if type_.kind not in (Kind.OBJECT, Kind.INTERFACE):
            return type_
        unused = facts.external - facts.used
        changed = _map_fields(type_, lambda f: None if f.coordinate in unused else f)
        is_needed = type_.name in referenced or type_.name == "Query"
        return changed if changed.fields or is_needed else None

    return _map_types(subgraph, change)


def _referenced(subgraph: Subgraph) -> set[str]:
    found = set(subgraph.roots)
    for type_ in subgraph.types.values():
        found.update(type_.members, type_.interfaces)
        found |= {base_name(field.type) for field in type_.fields.values()}
    return found


def _with_shareable(subgraph: Subgraph, own_keys: frozenset[str], others: list[Facts]) -> Subgraph:
    """What several subgraphs resolve was always shared: value types whole, else by the field."""
    marked = Applied("shareable", "shareable", {})

    def change(type_: TypeDefinition) -> TypeDefinition:
        if type_.kind is not Kind.OBJECT or type_.name == "Subscription":
            return type_
        having = [facts for facts in others if type_.name in facts.subgraph.types]
        if has(type_, "key") or type_.name in ROOTS.values():
            return _map_fields(type_, lambda field: shared(field, having))
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

    return _map_types(subgraph, change)


def _for_parts(type_: TypeDefinition) -> list[Applied]:
    """The same for fields that stand in extensions of the type."""
    parts = {field.part for field in type_.fields.values()} - {0}
    return [Applied("shareable", "shareable", {}, part=part) for part in sorted(parts)]


def _without_tags_told_elsewhere(subgraph: Subgraph, others: list[Facts]) -> Subgraph:
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

    return _map_types(subgraph, lambda type_: _map_fields(type_, change))
