"""`__schema` and `__type`, answered from the API schema by graphql-core; no subgraph is asked.

https://spec.graphql.org/October2021/#sec-Introspection
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from graphql import ExecutionResult, GraphQLSchema, execute, parse

from gateway.operation.tree import Field, Operation, Selection, SelectionSet

_META_FIELDS: Final = frozenset({"__schema", "__type"})


def split_introspection(operation: Operation) -> tuple[Operation, SelectionSet]:
    """What has to be planned, and what is answered here."""
    if not _asks_for_schema(operation.selections):
        return operation, ()
    ordinary = _only(operation.selections, meta=False)
    return replace(operation, selections=ordinary), _only(operation.selections, meta=True)


def introspect(
    selections: SelectionSet,
    operation: Operation,
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
) -> dict[str, Any]:
    """The answer by response key. It cannot fail for an operation that is valid."""
    used = _variables(selections)
    declared = ", ".join(f"${v.name}: {v.type}" for v in operation.variables if v.name in used)
    document = f"query{f'({declared})' if declared else ''} {_print(selections)}"
    result = execute(
        schema,
        parse(document, no_location=True),
        variable_values={name: variables[name] for name in used if name in variables},
    )
    assert isinstance(result, ExecutionResult), "introspection awaits nothing"
    assert not result.errors, "a validated introspection succeeds"
    return result.data or {}


def _asks_for_schema(selections: SelectionSet) -> bool:
    return any(
        selection.name in _META_FIELDS
        if isinstance(selection, Field)
        else _asks_for_schema(selection.selections)
        for selection in selections
    )


def _only(selections: SelectionSet, *, meta: bool) -> SelectionSet:
    """The root selections that are meta fields, or those that are not."""
    kept: list[Selection] = []
    for selection in selections:
        if isinstance(selection, Field):
            if (selection.name in _META_FIELDS) == meta:
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
