"""JSON that says one thing: an object in which no name comes twice.

Of two members of one name, readers differ in which they take.
https://www.rfc-editor.org/rfc/rfc8259#section-4, https://www.rfc-editor.org/rfc/rfc7519#section-4
"""

from __future__ import annotations

import json
from typing import Any


def read_object(text: bytes) -> dict[str, Any]:
    """Raises ValueError for anything else."""
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - of a text, it is the value that is wrong
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name comes twice")
    return members


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
