"""Run an operation: documents are parsed and validated once, errors leave masked.

Parsing and validating cost ten times what executing does, and the gateway sends the same few
documents all day.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    MiddlewareManager,
    OperationType,
    ValuesOfCorrectTypeRule,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution import ExecutionResult

from contract.errors import MEANINGS, Code
from subgraphs.runtime.errors import ClientError, format_error, is_complaint_about_input
from subgraphs.runtime.leaf_executor import LeafExecutor
from subgraphs.runtime.schema import SubgraphSchema
from subgraphs.runtime.trace import Trace

MAX_DOCUMENTS: Final = 1000
MAX_DOCUMENT_TOKENS: Final = 50_000
LONG: Final = 64 * 1024
"""Characters of a document that is parsed anew each time: the cache is bounded in bytes as well."""

# The document is the gateway's, but a literal in it is the client's: what our scalars do not take
# is nobody else's fault.
_RULES: Final = (
    (
        Code.GRAPHQL_VALIDATION_FAILED,
        tuple(rule for rule in specified_rules if rule is not ValuesOfCorrectTypeRule),
    ),
    (Code.BAD_USER_INPUT, (ValuesOfCorrectTypeRule,)),
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Invalid:
    """A document that cannot run, with what is wrong with it."""

    errors: tuple[Mapping[str, Any], ...]


class Documents:
    """Parsed and validated documents of one schema, least recently used out first."""

    def __init__(self, schema: SubgraphSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[str, DocumentNode | Invalid] = OrderedDict()

    def get(self, text: str) -> DocumentNode | Invalid:
        if len(text) > LONG:
            return self._prepare(text)
        document = self._known.get(text)
        if document is None:
            document = self._known[text] = self._prepare(text)
            if len(self._known) > MAX_DOCUMENTS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(text)
        return document

    def _prepare(self, text: str) -> DocumentNode | Invalid:
        try:
            document = parse(text, max_tokens=MAX_DOCUMENT_TOKENS)
        except GraphQLSyntaxError as error:
            return Invalid((_complaint(Code.GRAPHQL_PARSE_FAILED, error),))
        schema = self._schema._schema  # noqa: SLF001 - Strawberry's only way
        for code, rules in _RULES:
            errors = validate(schema, document, rules)
            if errors:
                return Invalid(tuple(_complaint(code, error) for error in errors))
        return document


def operation_type(document: DocumentNode, operation_name: str | None) -> OperationType | None:
    """None where no operation is told, or not which."""
    operation = get_operation_ast(document, operation_name)
    return operation.operation if operation is not None else None


async def run(
    schema: SubgraphSchema,
    document: DocumentNode,
    *,
    context: object,
    variables: Mapping[str, Any],
    operation_name: str | None,
    trace: Trace | None = None,
    root: object = None,
) -> dict[str, Any]:
    """Execute a valid document: its `data` and, where there are some, `errors`.

    Of a subscription, `root` is one event.
    """
    if get_operation_ast(document, operation_name) is None:
        return {"errors": [complaint(Code.OPERATION_RESOLUTION_FAILURE)]}
    result = execute(
        schema._schema,  # noqa: SLF001 - Strawberry's pipeline costs more than the execution
        document,
        root_value=root,
        context_value=context,
        variable_values=dict(variables),
        operation_name=operation_name,
        middleware=None if trace is None else MiddlewareManager(trace),
        # A trace wants to see every field; without one, most need not be seen.
        executor_class=LeafExecutor if trace is None else None,
    )
    return render_result(result if isinstance(result, ExecutionResult) else await result)


def render_result(outcome: ExecutionResult) -> dict[str, Any]:
    answer: dict[str, Any] = {"data": outcome.data}
    if outcome.errors:
        for error in outcome.errors:
            _log_accident(error)
        answer["errors"] = [format_error(error) for error in outcome.errors]
    return answer


def complaint(code: Code, **extensions: object) -> dict[str, Any]:
    """An error about the whole request."""
    meaning = MEANINGS[code]
    return {
        "message": meaning.message,
        "extensions": {"code": code.value, "mend": meaning.mend, **extensions},
    }


def _complaint(code: Code, error: GraphQLError) -> dict[str, Any]:
    # The document is the gateway's own: its text holds field names, and its literals may hold PHI.
    shown = complaint(code)
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    return shown


def _log_accident(error: GraphQLError) -> None:
    original = error.original_error
    if isinstance(original, ClientError) or is_complaint_about_input(error):
        return
    # Where it happened, never what was in hand: an exception's text may quote a record.
    trace = original.__traceback__ if original else None
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    _log.error(
        "resolver failed",
        kind=type(original).__name__,
        file=trace.tb_frame.f_code.co_filename if trace else None,
        line=trace.tb_lineno if trace else None,
        field=[part for part in error.path or () if isinstance(part, str)],
    )
