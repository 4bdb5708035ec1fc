"""Field sets: the selections in `@key`, `@requires`, `@provides` and `@fromContext`.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/directives#fieldset
"""

from __future__ import annotations

from typing import TypeAlias

from graphql import (
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

FieldSetShape: TypeAlias = frozenset[tuple[str, "FieldSetShape"]]

# Deeper than any key; a parser that recurses must be stopped before Python stops it.
MAX_DEPTH = 64
MAX_TOKENS = 20_000


class FieldSetError(ValueError):
    """A text that is no field set; the message says why."""


def parse_field_set(text: str) -> SelectionSetNode:
    """The selections of a field set, with or without its outer braces; no fragment spreads."""
    if _depth(text) > MAX_DEPTH:
        raise FieldSetError(f"it is nested deeper than {MAX_DEPTH} levels")
    if not text.strip():
        raise FieldSetError("it is empty")
    body = text if text.lstrip().startswith("{") else f"{{{text}\n}}"
    try:
        document = parse(body, no_location=True, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        raise FieldSetError(error.message) from None
    operation = document.definitions[0]
    if len(document.definitions) != 1 or not isinstance(operation, OperationDefinitionNode):
        raise FieldSetError("it is more than one selection set")
    _refuse_spreads(operation.selection_set)
    return operation.selection_set


def print_field_set(selection_set: SelectionSetNode) -> str:
    """The canonical text: one line, single spaces, no outer braces, the order kept."""
    return " ".join(print_ast(selection_set).split())[2:-2]


def field_set_shape(selection_set: SelectionSetNode) -> FieldSetShape:
    """What is selected, whatever the order: equal shapes are the same field set."""
    return frozenset(
        (
            print_ast(selection).partition("{")[0].strip(),
            field_set_shape(selection.selection_set)
            if isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set
            else frozenset(),
        )
        for selection in selection_set.selections
    )


def _refuse_spreads(selection_set: SelectionSetNode) -> None:
    for selection in selection_set.selections:
        if not isinstance(selection, FieldNode | InlineFragmentNode):
            raise FieldSetError("a field set cannot spread named fragments")
        if selection.selection_set is not None:
            _refuse_spreads(selection.selection_set)


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        if character in "{[(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}])":
            depth -= 1
    return deepest
