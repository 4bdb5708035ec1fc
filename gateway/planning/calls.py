"""Which `_entities` fields a request is made of.

Entity calls that show the same representations at the same place are one, and so are calls for
several types at one place, or for the same selections at several.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.operation.tree import Condition
from gateway.planning.plan import ContextVariable, OnTypes, Path, Representation
from gateway.planning.representations import join_representations
from gateway.planning.selected import Selected, merge_selected, print_selected


@dataclass(frozen=True, slots=True)
class Call:
    """An `_entities` field."""

    targets: tuple[Path, ...]
    representations: tuple[Representation, ...]
    contexts: tuple[ContextVariable, ...]
    needs: frozenset[int]
    conditions: frozenset[Condition]
    body: Selected


def merge_calls(calls: Iterable[Call]) -> list[Call]:
    """One call for what can be shown together at a place, and for several types at a place."""
    places: dict[Path, list[Call]] = defaultdict(list)
    for call in calls:
        merged = places[_place(call)]
        for number, other in enumerate(merged):
            if (joined := _same_entities(other, call) or _other_types(other, call)) is not None:
                merged[number] = joined
                break
        else:
            merged.append(call)
    return [call for merged in places.values() for call in merged]


def _place(call: Call) -> Path:
    """Where it is, whatever types it is for."""
    path = call.targets[0]
    return path[:-1] if path and isinstance(path[-1], OnTypes) else path


def _same_entities(one: Call, other: Call) -> Call | None:
    if (one.targets, one.contexts) != (other.targets, other.contexts):
        return None
    representations = one.representations
    if representations != other.representations:
        # A call must not fail for what only the other lacks, or what only the other's conditions
        # bring.
        apart = one.needs != other.needs or one.conditions != other.conditions
        if apart or len(representations) > 1 or len(other.representations) > 1:
            return None
        both = join_representations(representations[0], other.representations[0])
        if both is None:
            return None
        representations = (both,)
    return _join(one, other, one.targets, representations)


def _other_types(one: Call, other: Call) -> Call | None:
    mine, its = one.targets[0][-1:], other.targets[0][-1:]
    if not (mine and its and isinstance(mine[0], OnTypes) and isinstance(its[0], OnTypes)):
        return None
    if (one.needs, one.contexts) != (other.needs, other.contexts) or set(mine[0].types) & set(
        its[0].types
    ):
        return None
    typenames = {each.typename for each in one.representations}
    if typenames & {each.typename for each in other.representations}:
        # Both are shown as an interface object, which gets all that is asked of it.
        return None
    both = OnTypes(tuple(sorted({*mine[0].types, *its[0].types})))
    representations = (*one.representations, *other.representations)
    return _join(one, other, ((*_place(one), both),), representations)


def _join(
    one: Call,
    other: Call,
    targets: tuple[Path, ...],
    representations: tuple[Representation, ...],
) -> Call:
    return Call(
        targets=targets,
        representations=representations,
        contexts=one.contexts,
        needs=one.needs | other.needs,
        conditions=one.conditions & other.conditions,
        body=merge_selected(one.body, other.body),
    )


def join_equal_calls(calls: Iterable[Call]) -> list[Call]:
    """One call for all the places at which the same is asked of the same representations."""
    joined: dict[tuple[object, object, str], Call] = {}
    for call in calls:
        key = (call.representations, call.contexts, print_selected(call.body))
        known = joined.get(key)
        joined[key] = call
        if known is not None:
            targets = (*known.targets, *call.targets)
            joined[key] = _join(known, call, targets, call.representations)
    return list(joined.values())
