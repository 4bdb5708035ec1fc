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
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    parse,
    recommended_rules,
    specified_rules,
    validate,
)

from contract.errors import Code
from gateway.documents.limits import check_limits, too_large
from gateway.errors import Complaint, PublicText, RequestError
from gateway.settings import Limits

MAX_ERRORS = 10
_RULES = (*specified_rules, *recommended_rules)
_SUGGESTION = re.compile(r" Did you mean .*\?$", re.DOTALL)
_QUOTED_TOKEN = re.compile(r"(?P<kind>String|BlockString|Int|Float|Comment) ['\"].*", re.DOTALL)
_INTROSPECTION = frozenset({"__schema", "__type"})


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
        errors = validate(schema, node, _RULES, max_errors=MAX_ERRORS)
    except RecursionError:
        # Nested, or spread, deeper than Python follows: far beyond any limit.
        raise too_large("depth", limits.depth) from None
    if errors:
        complaints = (_complain(error, suggestions=suggestions) for error in errors[:MAX_ERRORS])
        raise RequestError(Code.GRAPHQL_VALIDATION_FAILED, *complaints)
    operations = {
        definition.name.value if definition.name else None: definition
        for definition in node.definitions
        if isinstance(definition, OperationDefinitionNode)
    }
    return Document(hash_text(text), text, node, operations, _introspects(node))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_mutation(operation: OperationDefinitionNode) -> bool:
    return operation.operation is OperationType.MUTATION


def _introspects(node: DocumentNode) -> bool:
    """Where a fragment is spread does not matter: unused ones are not valid."""
    waiting = [each.selection_set for each in node.definitions if hasattr(each, "selection_set")]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode) and selection.name.value in _INTROSPECTION:
                return True
            below = getattr(selection, "selection_set", None)
            if below is not None:
                waiting.append(below)
    return False


def _parse(text: str, limits: Limits) -> DocumentNode:
    try:
        return parse(text, max_tokens=limits.tokens)
    except GraphQLSyntaxError as error:
        if "tokens" in error.message:
            raise too_large("tokens", limits.tokens) from None
        raise RequestError(Code.GRAPHQL_PARSE_FAILED, _complain(error)) from None
    except GraphQLError:
        # Nested deeper than the parser can follow.
        raise too_large("depth", limits.depth) from None


def _complain(error: GraphQLError, *, suggestions: bool = False) -> Complaint:
    message = error.message
    if any(_is_literal(node) for node in error.nodes or ()):
        message = "A value does not fit the type that is expected here."
    elif isinstance(error, GraphQLSyntaxError):
        message = _QUOTED_TOKEN.sub(r"\g<kind>.", message)
    elif not suggestions:
        message = _SUGGESTION.sub("", message)
    return Complaint(PublicText(message), _locations(error))


def _is_literal(node: object) -> bool:
    return isinstance(node, ValueNode) and not isinstance(node, VariableNode)


def _locations(error: GraphQLError) -> tuple[tuple[int, int], ...]:
    return tuple((each.line, each.column) for each in error.locations or ())
