"""The present draft: what is pending has an id, and everything is delivered once.

https://github.com/graphql/graphql-spec/pull/1110 (Section 7, Response)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from gateway.execution.deliver import Completed, Increment, Initial, Pending, Subsequent
from gateway.execution.faults import ResponseError

RenderError: TypeAlias = Callable[[ResponseError], dict[str, Any]]


def render_initial(payload: Initial, render_error: RenderError) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if payload.errors:
        body["errors"] = list(map(render_error, payload.errors))
    body["data"] = payload.data
    if payload.has_next:
        body["pending"] = list(map(_pending, payload.pending))
        body["hasNext"] = True
    return body


def render_subsequent(payload: Subsequent, render_error: RenderError) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if payload.pending:
        body["pending"] = list(map(_pending, payload.pending))
    if payload.increments:
        body["incremental"] = [_increment(each, render_error) for each in payload.increments]
    body["completed"] = [_completed(each, render_error) for each in payload.completed]
    body["hasNext"] = payload.has_next
    return body


def _pending(pending: Pending) -> dict[str, Any]:
    body: dict[str, Any] = {"id": pending.id, "path": list(pending.path)}
    if pending.deferral.label is not None:
        body["label"] = pending.deferral.label
    return body


def _increment(increment: Increment, render_error: RenderError) -> dict[str, Any]:
    body: dict[str, Any] = {"id": increment.pending.id}
    if increment.sub_path:
        body["subPath"] = list(increment.sub_path)
    body["data"] = increment.data
    if increment.errors:
        body["errors"] = list(map(render_error, increment.errors))
    return body


def _completed(completed: Completed, render_error: RenderError) -> dict[str, Any]:
    body: dict[str, Any] = {"id": completed.pending.id}
    if completed.errors:
        body["errors"] = list(map(render_error, completed.errors))
    return body
