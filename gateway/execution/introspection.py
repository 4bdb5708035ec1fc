"""`__schema` and `__type`, answered from the API schema by graphql-core; no subgraph is asked.

https://spec.graphql.org/October2021/#sec-Introspection
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLCompositeType,
    GraphQLNamedType,
    GraphQLSchema,
    experimental_execute_incrementally,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    parse,
)

from gateway.execution.walk import find
from gateway.operation.tree import (
    INTROSPECTION_FIELDS,
    Field,
    Operation,
    Selection,
    SelectionSet,
)
from gateway.planning.plan import Key, OnTypes, Path


@dataclass(frozen=True, slots=True)
class Introspection:
    """What is asked of the schema at one place."""

    path: Path
    """To a value of the query type: the root, or one that lies further down."""
    selections: SelectionSet


def split_introspection(
    operation: Operation, schema: GraphQLSchema
) -> tuple[Operation, tuple[Introspection, ...]]:
    """What has to be planned, and what is answered here.

    What is asked below the root stays in the operation as well: no planner sends it to anyone.
    """
    root = schema.type_map[operation.root_type]
    found = tuple(_find(operation.selections, root, (), schema))
    if not found or found[0].path:
        return operation, found
    return replace(operation, selections=_only(operation.selections, meta=False)), found


def introspect(
    introspections: Iterable[Introspection],
    data: dict[str, Any],
    operation: Operation,
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
) -> None:
    """Fill the answers in wherever the data has a value of the query type."""
    for each in introspections:
        for holder in find(data, each.path):
            holder.update(_answer(each.selections, operation, variables, schema))


def _answer(
    selections: SelectionSet,
    operation: Operation,
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
) -> dict[str, Any]:
    """The answer by response key. It cannot fail for an operation that is valid."""
    used = _variables(selections)
    declared = ", ".join(f"${v.name}: {v.type}" for v in operation.variables if v.name in used)
    document = f"query{f'({declared})' if declared else ''} {_print(selections)}"
    # The other ways to execute refuse a schema that has `@defer`.
    result = experimental_execute_incrementally(
        schema,
        parse(document, no_location=True),
        variable_values={name: variables[name] for name in used if name in variables},
    )
    assert isinstance(result, ExecutionResult), "introspection awaits nothing"
    assert not result.errors, "a validated introspection succeeds"
    return result.data or {}


def _find(
    selections: SelectionSet, type_: GraphQLNamedType, path: Path, schema: GraphQLSchema
) -> Iterator[Introspection]:
    if type_ is schema.query_type and (meta := _only(selections, meta=True)):
        yield Introspection(path, meta)
    yield from _find_below(selections, type_, path, schema)


def _find_below(
    selections: SelectionSet, type_: GraphQLNamedType, path: Path, schema: GraphQLSchema
) -> Iterator[Introspection]:
    for selection in selections:
        if not selection.selections or getattr(selection, "name", None) in INTROSPECTION_FIELDS:
            continue
        if isinstance(selection, Field):
            field = schema.get_field(_composite(type_), selection.name)
            assert field is not None, "the operation is valid"
            below = (*path, Key(selection.response_key))
            yield from _find(selection.selections, get_named_type(field.type), below, schema)
        elif is_abstract_type(type_):
            inner = schema.type_map[selection.type_condition]
            below = (*path, OnTypes(_possible(inner, schema)))
            yield from _find(selection.selections, inner, below, schema)
        else:
            yield from _find_below(selection.selections, type_, path, schema)


def _composite(type_: GraphQLNamedType) -> GraphQLCompositeType:
    assert is_composite_type(type_), "what has selections is composite"
    return type_


def _possible(type_: GraphQLNamedType, schema: GraphQLSchema) -> tuple[str, ...]:
    possible = schema.get_possible_types(type_) if is_abstract_type(type_) else (type_,)
    return tuple(sorted(each.name for each in possible))


def _only(selections: SelectionSet, *, meta: bool) -> SelectionSet:
    """The selections that are meta fields, or those that are not."""
    kept: list[Selection] = []
    for selection in selections:
        if isinstance(selection, Field):
            if (selection.name in INTROSPECTION_FIELDS) == meta:
                kept.append(selection)
        elif below := _only(selection.selections, meta=meta):
            kept.append(replace(selection, selections=below))
    return tuple(kept)


def _variables(selections: SelectionSet) -> frozenset[str]:
    used: set[str] = set()
    for selection in selections:
        used.update(condition.variable for condition in selection.conditions)
        if isinstance(selection, Field):
            used.update(name for each in selection.arguments for name in each.variables)
        used |= _variables(selection.selections)
    return frozenset(used)


def _print(selections: SelectionSet) -> str:
    return f"{{{' '.join(map(_print_selection, selections))}}}" if selections else ""


def _print_selection(selection: Selection) -> str:
    conditions = "".join(
        f" @{'include' if c.include else 'skip'}(if: ${c.variable})" for c in selection.conditions
    )
    below = f" {_print(selection.selections)}" if selection.selections else ""
    if isinstance(selection, Field):
        alias = f"{selection.alias}: " if selection.alias else ""
        arguments = ", ".join(f"{each.name}: {each.value}" for each in selection.arguments)
        called = f"({arguments})" if arguments else ""
        return f"{alias}{selection.name}{called}{conditions}{below}"
    return f"... on {selection.type_condition}{conditions}{below}"
