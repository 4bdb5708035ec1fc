"""Whether the selection of a `@fromContext` yields one value of the argument's type.

It is a single field, or one inline fragment per object type that sets the context.
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.facts import Facts
from gateway.composition.field_sets import field_of, invalid_selections
from gateway.composition.schema import Kind, TypeDefinition
from gateway.composition.types import ListOf, Named, NonNull, TypeReference, base_name, nullable
from gateway.federation.field_set import FieldSetError, parse_field_set


def selection_flaws(
    facts: Facts, locations: list[TypeDefinition], text: str, expected: TypeReference
) -> Iterator[str]:
    """`locations` are the types that set the context."""
    try:
        selections = parse_field_set(text)
    except FieldSetError as error:
        yield f"the selection is invalid: {error}"
        return
    nodes = selections.selections
    fragments = [node for node in nodes if isinstance(node, InlineFragmentNode)]
    if fragments and len(fragments) < len(nodes):
        yield "the selection mixes fields and fragments"
    elif not fragments and len(nodes) != 1:
        yield "the selection is of more than one field"
    elif any(node.type_condition is None for node in fragments):
        yield "a fragment needs a type condition"
    else:
        yield from _flaws_at(facts, locations, selections, fragments, expected)


def _flaws_at(
    facts: Facts,
    locations: list[TypeDefinition],
    selections: SelectionSetNode,
    fragments: list[InlineFragmentNode],
    expected: TypeReference,
) -> Iterator[str]:
    conditions = [_condition(node) for node in fragments]
    if len(set(conditions)) < len(conditions):
        yield "two fragments have the same type condition"
    used: set[str] = set()
    for location in locations:
        possible = facts.subgraph.possible_types(location.name)
        fitting = [node for node in fragments if _condition(node) in possible]
        used |= {_condition(node) for node in fitting}
        if fragments and not fitting:
            yield f'no type condition fits "{location.name}"'
        here: list[tuple[str, SelectionSetNode]] = [(location.name, selections)]
        if fragments:
            here = [(_condition(node), node.selection_set) for node in fitting]
        for parent, part in here:
            yield from _value_flaws(facts, parent, part, expected, is_certain=not fragments)
    for condition in conditions:
        if facts.subgraph.kind(condition) is not Kind.OBJECT:
            yield f'type condition "{condition}" is no object type'
        elif condition not in used:
            yield f'type condition "{condition}" is never used'


def _value_flaws(
    facts: Facts,
    parent: str,
    selections: SelectionSetNode,
    expected: TypeReference,
    *,
    is_certain: bool,
) -> Iterator[str]:
    for flaw in invalid_selections(facts, parent, selections):
        yield f'the selection is invalid on "{parent}": {flaw.message}'
        return
    found = _selected_type(facts, parent, selections)
    if isinstance(found, str):
        yield found
        return
    # Another subgraph may add members to the type, so no fragment need ever match.
    found = found if is_certain else nullable(found)
    if not _fits(found, expected):
        yield f'the selection is of type "{found}" but "{expected}" is wanted'


def _selected_type(facts: Facts, parent: str, selections: SelectionSetNode) -> TypeReference | str:
    """The type of the one value selected, or why there is not one."""
    if any(selection.directives for selection in selections.selections):
        return "the selection has a directive"
    type_ = facts.subgraph.types[parent]
    if facts.is_interface_object(type_):
        return f'"{parent}" is an @interfaceObject'
    found: list[TypeReference] = []
    for selection in selections.selections:
        if not isinstance(selection, FieldNode):
            return "a fragment stands inside the selection"
        field = field_of(facts.subgraph, parent, selection.name.value)
        assert field is not None, "the selection is valid"
        inner: TypeReference | str = Named(base_name(field.type))
        if selection.selection_set:
            inner = _selected_type(facts, base_name(field.type), selection.selection_set)
        if isinstance(inner, str):
            return inner
        found.append(_wrapped(field.type, inner))
    return found[0] if len(set(found)) == 1 else "the selection is of fields of several types"


def _wrapped(outer: TypeReference, inner: TypeReference) -> TypeReference:
    """The lists around a field stay around what is selected below it."""
    if isinstance(outer, NonNull):
        return _wrapped(outer.of, inner)
    return ListOf(_wrapped(outer.of, inner)) if isinstance(outer, ListOf) else inner


def _fits(found: TypeReference, expected: TypeReference) -> bool:
    """https://spec.graphql.org/draft/#IsValidImplementationFieldType()"""
    if isinstance(found, NonNull):
        return _fits(found.of, nullable(expected))
    if isinstance(found, ListOf):
        return isinstance(expected, ListOf) and _fits(found.of, expected.of)
    return found == expected


def _condition(node: InlineFragmentNode) -> str:
    return node.type_condition.name.value if node.type_condition else ""
