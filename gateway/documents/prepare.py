"""Parse, measure and validate a document, once.

What a client is told quotes no value of its document, for a value may be PHI; names of fields and
types it may read, and where the schema is no secret also what else it may have meant.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    parse,
    recommended_rules,
    specified_rules,
    validate,
)

from contract.errors import Code
from gateway.bounds import Limits
from gateway.documents.limits import check_limits, too_large
from gateway.documents.no_stream import NoStreamRule
from gateway.errors import Complaint, PublicText, RequestError
from gateway.operation.tree import INTROSPECTION_FIELDS

MAX_ERRORS = 8
MAX_MESSAGE = 500
_EMPTY = Complaint(PublicText("Syntax Error: A selection set is empty."))
_RULES = (*specified_rules, *recommended_rules, NoStreamRule)
_TOO_DEEP = "Validation aborted."
"""What graphql-core says when it cannot follow a document's nesting any further."""
_QUOTED_TOKEN = re.compile(r"(?P<kind>String|BlockString|Int|Float|Comment) ['\"].*", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """Valid for the schema it was prepared with."""

    hash: str
    """SHA-256 of the text, in hexadecimal."""
    text: str
    node: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]
    introspects: bool
    """Whether it asks for `__schema` or `__type` anywhere."""
    defers: bool
    """Whether it has `@defer` anywhere."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """https://spec.graphql.org/October2021/#GetOperation()"""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None or name not in self.operations:
            raise RequestError(Code.OPERATION_RESOLUTION_FAILURE)
        return self.operations[name]


def prepare(
    text: str, schema: GraphQLSchema, limits: Limits, *, suggestions: bool = False
) -> Document:
    """Raises `RequestError`."""
    try:
        node = _parse(text, limits)
        check_limits(node, limits)
        errors = validate(
            schema,
            node,
            _RULES,
            max_errors=MAX_ERRORS,
            hide_suggestions=not suggestions,
            allow_empty_selection_sets=False,
        )
    except RecursionError:
        # Nested, or spread, deeper than Python follows: far beyond any limit.
        raise too_large("depth", limits.depth) from None
    if any(error.message == _TOO_DEEP for error in errors):
        raise too_large("depth", limits.depth)
    if errors:
        complaints = map(_complain, errors[:MAX_ERRORS])
        raise RequestError(Code.GRAPHQL_VALIDATION_FAILED, *complaints)
    return _describe(text, node)


def _describe(text: str, node: DocumentNode) -> Document:
    selection_sets = [
        definition.selection_set
        for definition in node.definitions
        if isinstance(definition, ExecutableDefinitionNode)
    ]
    if not all(each.selections for each in selection_sets):
        # Validation looks into fields only, and the parser is ahead of the specification here.
        raise RequestError(Code.GRAPHQL_PARSE_FAILED, _EMPTY)
    operations = {
        definition.name.value if definition.name else None: definition
        for definition in node.definitions
        if isinstance(definition, OperationDefinitionNode)
    }
    introspects, defers = _look_for_special(selection_sets)
    return Document(hash_text(text), text, node, operations, introspects, defers)


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _look_for_special(waiting: list[SelectionSetNode]) -> tuple[bool, bool]:
    """Whether there are introspection and `@defer`.

    Where a fragment is spread does not matter: unused ones are not valid.
    """
    introspects = defers = False
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                introspects |= selection.name.value in INTROSPECTION_FIELDS
            else:
                defers |= any(each.name.value == "defer" for each in selection.directives or ())
            below = getattr(selection, "selection_set", None)
            if below is not None:
                waiting.append(below)
    return introspects, defers


def _parse(text: str, limits: Limits) -> DocumentNode:
    if len(text) > limits.bytes or len(text.encode()) > limits.bytes:
        raise too_large("bytes", limits.bytes)
    try:
        return parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        # The parser says in words alone that a limit, and not a letter, stopped it.
        if "more than" in error.message:
            raise too_large("tokens", limits.tokens) from None
        if "too deeply" in error.message:
            raise too_large("depth", limits.depth) from None
        raise RequestError(Code.GRAPHQL_PARSE_FAILED, _complain(error)) from None


def _complain(error: GraphQLError) -> Complaint:
    message = error.message
    if any(_is_literal(node) for node in error.nodes or ()):
        message = "A value does not fit the type that is expected here."
    elif isinstance(error, GraphQLSyntaxError):
        message = _QUOTED_TOKEN.sub(r"\g<kind>.", message)
    # Names are quoted, and of those the client sends some may be as long as the document.
    return Complaint(PublicText(message[:MAX_MESSAGE]), _locations(error))


def _is_literal(node: object) -> bool:
    return isinstance(node, ValueNode) and not isinstance(node, VariableNode)


def _locations(error: GraphQLError) -> tuple[tuple[int, int], ...]:
    return tuple((each.line, each.column) for each in error.locations or ())
