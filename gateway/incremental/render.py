"""From a part of an answer to the bytes a client gets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.asked import Incremental
from gateway.execution.deliver import Initial, Subsequent
from gateway.execution.wire import encode
from gateway.incremental import apollo_2022, current
from gateway.rendering import render_response_error


def render_part(
    request_id: str,
    style: Incremental,
    part: Initial | Subsequent,
    *,
    names_subgraphs: bool,
    cost: Mapping[str, Any] | None = None,
) -> bytes:
    draft = apollo_2022 if style is Incremental.APOLLO_2022 else current
    render_error = partial(
        render_response_error, request_id=request_id, names_subgraphs=names_subgraphs
    )
    if isinstance(part, Initial):
        body = draft.render_initial(part, render_error)
    else:
        body = draft.render_subsequent(part, render_error)
    if cost is not None:
        body["extensions"] = {"cost": cost}
    return encode(body)
