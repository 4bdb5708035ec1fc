"""Finding the objects a path of the plan leads to."""

from __future__ import annotations

from typing import Any

from gateway.execution.faults import ResponsePath
from gateway.planning.plan import Key, Path


def find(root: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """Every object at the path, in the data's order; nulls and lists on the way are no objects."""
    objects = [root]
    for step in path:
        found: list[dict[str, Any]] = []
        if isinstance(step, Key):
            for holder in objects:
                value = holder.get(step.name)
                if type(value) is dict:
                    found.append(value)
                elif type(value) is list:
                    _flatten(value, found)
        else:
            found = [each for each in objects if each.get("__typename") in step.types]
        objects = found
    return objects


def find_located(root: dict[str, Any], path: Path) -> list[tuple[dict[str, Any], ResponsePath]]:
    """As `find`, with where each object is. Slower, and only needed once something has failed."""
    objects: list[tuple[dict[str, Any], ResponsePath]] = [(root, ())]
    for step in path:
        found: list[tuple[dict[str, Any], ResponsePath]] = []
        for holder, place in objects:
            if isinstance(step, Key):
                _locate(holder.get(step.name), (*place, step.name), found)
            elif holder.get("__typename") in step.types:
                found.append((holder, place))
        objects = found
    return objects


def _flatten(items: list[Any], found: list[dict[str, Any]]) -> None:
    for item in items:
        if type(item) is dict:
            found.append(item)
        elif type(item) is list:
            _flatten(item, found)


def _locate(
    value: Any, place: ResponsePath, found: list[tuple[dict[str, Any], ResponsePath]]
) -> None:
    if type(value) is dict:
        found.append((value, place))
    elif type(value) is list:
        for index, item in enumerate(value):
            _locate(item, (*place, index), found)
