"""The draft of August 2022: a part is told by path and label, and brings all it selects.

https://github.com/graphql/graphql-spec/blob/48cf7263a71a683fab03d45d309fd42d8d9a6659/spec/Section%207%20--%20Response.md
"""

from __future__ import annotations

from typing import Any

from gateway.execution.deliver import Initial, Pending, Subsequent
from gateway.execution.faults import ResponseError
from gateway.incremental.current import RenderError


def render_initial(payload: Initial, render_error: RenderError) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if payload.errors:
        body["errors"] = list(map(render_error, payload.errors))
    body["data"] = payload.data
    if payload.has_next:
        body["hasNext"] = True
    return body


def render_subsequent(payload: Subsequent, render_error: RenderError) -> dict[str, Any]:
    delivered = [
        _part(each.pending, each.data, each.errors, render_error) for each in payload.increments
    ]
    failed = [
        _part(each.pending, None, each.errors, render_error)
        for each in payload.completed
        if each.pending.failed
    ]
    return {"incremental": [*delivered, *failed], "hasNext": payload.has_next}


def _part(
    pending: Pending,
    data: dict[str, Any] | None,
    errors: tuple[ResponseError, ...],
    render_error: RenderError,
) -> dict[str, Any]:
    body: dict[str, Any] = {"data": data, "path": list(pending.path)}
    if pending.deferral.label is not None:
        body["label"] = pending.deferral.label
    if errors:
        body["errors"] = list(map(render_error, errors))
    return body
