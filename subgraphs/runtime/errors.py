"""What a resolver raises so that the client is told something, and how any exception is shown.

    ClientError             a code of `contract.errors` and its extensions, for the client to see
    └── SourcesDownError    no source of a list answered

Everything else is a bug or an accident: the client is told INTERNAL, never the exception's text,
which may hold PHI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from contract.errors import MEANINGS, Code
from subgraphs.connectors.errors import SourceState

CODE_OF_STATE: Mapping[SourceState, Code] = {
    SourceState.TIMEOUT: Code.SOURCE_TIMEOUT,
    SourceState.UNAVAILABLE: Code.SOURCE_UNAVAILABLE,
    SourceState.OPEN_CIRCUIT: Code.SOURCE_UNAVAILABLE,
    SourceState.RATE_LIMITED: Code.SOURCE_RATE_LIMITED,
    SourceState.REFUSED: Code.SOURCE_REFUSED,
    SourceState.INVALID: Code.SOURCE_PROTOCOL_VIOLATION,
}
_RETRYABLE = {Code.SOURCE_TIMEOUT, Code.SOURCE_UNAVAILABLE, Code.SOURCE_RATE_LIMITED}


class ClientError(Exception):
    """Shown to the client with its code; `message` and `extensions` hold no PHI."""

    def __init__(self, code: Code, message: str | None = None, **extensions: object) -> None:
        super().__init__(message or MEANINGS[code].message)
        self.code = code
        self.extensions = extensions


class SourcesDownError(ClientError):
    """Every source of a list failed: the first one's state decides the code."""

    def __init__(
        self, states: Sequence[tuple[str, SourceState]], retry_after: float | None = None
    ) -> None:
        source, state = states[0]
        code = CODE_OF_STATE[state]
        extensions: dict[str, Any] = {
            "source": source,
            "state": state.value,
            "retryable": code in _RETRYABLE,
        }
        if len(states) > 1:
            extensions["sources"] = [{"source": s, "state": t.value} for s, t in states]
        if retry_after is not None:
            extensions["retryAfter"] = retry_after
        super().__init__(code, **extensions)


def format_error(error: GraphQLError) -> dict[str, Any]:
    """An error as it leaves: https://spec.graphql.org/October2021/#sec-Errors.Error-result-format"""
    code, message, extra = _explain(error)
    shown: dict[str, Any] = {"message": message}
    if error.locations:
        shown["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        shown["path"] = list(error.path)
    shown["extensions"] = {"code": code.value, "mend": MEANINGS[code].mend, **extra}
    return shown


def is_complaint_about_input(error: GraphQLError) -> bool:
    """Whether graphql-core found a variable or an argument unfit."""
    if not isinstance(error.original_error, GraphQLError | None):
        return False
    return error.path is None or error.message.startswith("Argument ")


def _explain(error: GraphQLError) -> tuple[Code, str, Mapping[str, object]]:
    original = error.original_error
    if isinstance(original, ClientError):
        return original.code, str(original), original.extensions
    if is_complaint_about_input(error):
        # It quotes the value, so the client is told the variable's name alone.
        named = re.match(r"Variable '\$(\w+)'", error.message)
        extra = {"variable": named[1]} if named else {}
        return Code.BAD_USER_INPUT, MEANINGS[Code.BAD_USER_INPUT].message, extra
    return Code.INTERNAL, MEANINGS[Code.INTERNAL].message, {}
