"""From an HTTP request to a `GraphQLRequest`; what is none is refused here, once and strictly.

https://graphql.github.io/graphql-over-http/draft/#sec-Request
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gateway.bounds import OnDenial
from gateway.documents.request import GraphQLRequest, PersistedQuery
from gateway.errors import bad_request
from gateway.execution.wire import decode

MAX_PARAMETERS = 20


class _Body(msgspec.Struct, frozen=True):
    """As almost all bodies are."""

    query: str | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None
    document_id: str | None = msgspec.field(name="documentId", default=None)
    doc_id: str | None = None
    id: str | None = None


_decode_body = msgspec.json.Decoder(_Body, float_hook=Decimal).decode
_REFUSALS = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)


def read_body(body: bytes) -> GraphQLRequest:
    """Raises `RequestError` for anything but one JSON object with parameters of their types."""
    try:
        read = _decode_body(body)
    except _REFUSALS:
        # The general way says what is wrong.
        return _read_body_in_full(body)
    if read.query is None or read.extensions:
        return _read_body_in_full(body)
    return GraphQLRequest(
        query=read.query,
        operation_name=read.operation_name or None,
        variables=read.variables or {},
        document_id=read.document_id or read.doc_id or read.id or None,
    )


def _read_body_in_full(body: bytes) -> GraphQLRequest:
    try:
        parameters = decode(body)
    except ValueError:
        raise bad_request("The body is not JSON in UTF-8.") from None
    if isinstance(parameters, list):
        raise bad_request("Batches are not served: send one operation in one request.")
    if not isinstance(parameters, dict):
        raise bad_request("The body is not a JSON object.")
    return _read_parameters(parameters)


def read_url(query_string: bytes) -> GraphQLRequest:
    """https://graphql.github.io/graphql-over-http/draft/#sec-GET"""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query_string),
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except (ValueError, UnicodeDecodeError):
        raise bad_request("The URL's parameters cannot be read.") from None
    parameters: dict[str, Any] = dict(pairs)
    for name in ("variables", "extensions"):
        if parameters.get(name):
            try:
                parameters[name] = decode(parameters[name])
            except ValueError:
                raise bad_request(f"The parameter {name} is not JSON.") from None
        else:
            parameters.pop(name, None)
    return _read_parameters(parameters, by_get=True)


def _read_parameters(parameters: Mapping[str, Any], *, by_get: bool = False) -> GraphQLRequest:
    query = _text(parameters, "query")
    document_id = next(
        (text for name in ("documentId", "doc_id", "id") if (text := _text(parameters, name))),
        None,
    )
    extensions = _object(parameters, "extensions")
    persisted_query = _persisted_query(extensions)
    if query is None and document_id is None and persisted_query is None:
        raise bad_request("The request has no query.")
    return GraphQLRequest(
        query=query,
        operation_name=_text(parameters, "operationName") or None,
        variables=_object(parameters, "variables"),
        document_id=document_id,
        persisted_query=persisted_query,
        by_get=by_get,
        on_denial=_on_denial(extensions) if extensions else None,
    )


def _persisted_query(extensions: Mapping[str, Any]) -> PersistedQuery | None:
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    version = given.get("version") if isinstance(given, dict) else None
    digest = given.get("sha256Hash") if isinstance(given, dict) else None
    if not isinstance(version, int) or not isinstance(digest, str):
        raise bad_request("The persistedQuery extension is malformed, or of another version.")
    return PersistedQuery(version, digest.lower())


def _on_denial(extensions: Mapping[str, Any]) -> OnDenial | None:
    given = extensions.get("onDenial")
    if given is None:
        return None
    try:
        return OnDenial(given)
    except ValueError:
        raise bad_request("The onDenial extension is neither filter nor reject.") from None


def _text(parameters: Mapping[str, Any], name: str) -> str | None:
    value = parameters.get(name)
    if value is None or isinstance(value, str):
        return value
    raise bad_request(f"The parameter {name} is not a string.")


def _object(parameters: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise bad_request(f"The parameter {name} is not an object.")
