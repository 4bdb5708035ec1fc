"""The answer that a client has once it has put the parts together."""

from __future__ import annotations

from typing import Any

from gateway.execution.deliver import Initial, Subsequent
from gateway.execution.merge import merge


def add_part(whole: Any, part: Initial | Subsequent) -> Any:
    """The data with the part's; changed in place, and the part's own data with it."""
    if isinstance(part, Initial):
        return part.data
    for each in part.increments:
        place = whole
        for step in (*each.pending.path, *each.sub_path):
            place = place[step]
        merge(place, each.data)
    return whole
