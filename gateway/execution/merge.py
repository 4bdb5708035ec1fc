"""Joining what several fetches say about one object. Everything here works in place.

Fetched data is one tree of plain dicts and lists, keyed by response key. It is changed in place
while a plan runs, since it is large, short-lived and owned by one execution.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.execution.walk import find
from gateway.planning.plan import Rename


def merge(into: dict[str, Any], source: dict[str, Any]) -> None:
    """Add what `source` knows; objects and lists of one length are joined part by part.

    An object already there stays the same object, for other fetches hold references to it.
    """
    for key, value in source.items():
        known = into.get(key)
        if known is None:
            into[key] = value
        elif value is not None:
            _join(into, key, known, value)


def rename(root: dict[str, Any], renames: Iterable[Rename]) -> None:
    for step in renames:
        for holder in find(root, step.path):
            if step.alias in holder:
                merge(holder, {step.name: holder.pop(step.alias)})


def copy_tree(value: Any) -> Any:
    """The same JSON, sharing no object or list with the original."""
    if isinstance(value, dict):
        return {key: copy_tree(part) for key, part in value.items()}
    if isinstance(value, list):
        return [copy_tree(part) for part in value]
    return value


def _join(holder: Any, key: Any, known: Any, value: Any) -> None:
    if isinstance(known, dict):
        if isinstance(value, dict):
            merge(known, value)
    elif isinstance(known, list):
        # Lists of different lengths do not talk about the same things; the first one stands.
        if isinstance(value, list) and len(value) == len(known):
            for index, (left, right) in enumerate(zip(known, value, strict=True)):
                if left is None:
                    known[index] = right
                elif right is not None:
                    _join(known, index, left, right)
    else:
        holder[key] = value
