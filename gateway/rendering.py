"""From an answer to the bytes a client gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.engine import Answer
from gateway.errors import render_error
from gateway.execution.faults import ResponseError
from gateway.execution.wire import encode


def render(
    answer: Answer,
    request_id: str,
    *,
    names_subgraphs: bool,
    cost: Mapping[str, Any] | None = None,
) -> bytes:
    """`names_subgraphs` says whether a client is told whose fault an error is.

    https://spec.graphql.org/October2021/#sec-Response-Format
    """
    body: dict[str, Any] = {}
    if answer.errors:
        body["errors"] = [
            render_response_error(error, request_id, names_subgraphs=names_subgraphs)
            for error in answer.errors
        ]
    body["data"] = answer.data
    if cost is not None:
        body["extensions"] = {"cost": cost}
    return encode(body)


def render_response_error(
    error: ResponseError, request_id: str, *, names_subgraphs: bool
) -> dict[str, Any]:
    fault = error.fault
    extensions = dict(fault.extensions)
    if names_subgraphs and fault.subgraph is not None:
        extensions["subgraph"] = fault.subgraph
    return render_error(
        fault.code,
        request_id,
        message=fault.message,
        path=error.path,
        extensions=extensions,
    )
