"""What an entity fetch sends, and to whom each entity of its answer belongs.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gateway.execution.faults import ResponsePath
from gateway.execution.merge import copy_tree, merge
from gateway.execution.walk import find, find_located
from gateway.execution.wire import encode
from gateway.planning.plan import EntityCall, Representation, RequiredField, RequiredFragment

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Holder:
    """An object of the fetched data that waits for an entity."""

    target: int
    """Which of the call's targets led to it."""
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CollectedCall:
    """The representations of one entity call, each once, and the holders of each."""

    call: EntityCall
    representations: tuple[msgspec.Raw, ...]
    holders: tuple[tuple[Holder, ...], ...]

    def merge_entity(self, index: int, entity: dict[str, Any]) -> None:
        """Give the entity to all who wait for it.

        Holders under one target may share its parts, since whatever is fetched for one of them
        later is fetched for all. Under different targets the client may ask different things of
        the same response keys, so each gets a copy.
        """
        copies: dict[int, dict[str, Any]] = {}
        for holder in self.holders[index]:
            if holder.target not in copies:
                copies[holder.target] = copy_tree(entity) if copies else entity
            merge(holder.value, copies[holder.target])

    def places(self, data: dict[str, Any], indexes: Iterable[int]) -> tuple[ResponsePath, ...]:
        """Where in the data the holders of these representations are."""
        wanted = {id(holder.value) for index in indexes for holder in self.holders[index]}
        located = (found for target in self.call.targets for found in find_located(data, target))
        return tuple(dict.fromkeys(place for value, place in located if id(value) in wanted))

    def all_places(self, data: dict[str, Any]) -> tuple[ResponsePath, ...]:
        return self.places(data, range(len(self.holders)))


def collect(call: EntityCall, data: dict[str, Any]) -> CollectedCall:
    """Find the call's entities. Identical representations are sent once, incomplete ones never."""
    waiting: dict[bytes, list[Holder]] = {}
    for number, target in enumerate(call.targets):
        for value in find(data, target):
            text = _represent(value, call.representations)
            if text is not None:
                waiting.setdefault(text, []).append(Holder(number, value))
    return CollectedCall(
        call,
        tuple(msgspec.Raw(text) for text in waiting),
        tuple(tuple(holders) for holders in waiting.values()),
    )


def _represent(value: dict[str, Any], candidates: tuple[Representation, ...]) -> bytes | None:
    """The first representation made for the object's type that the object can fill."""
    typename = value.get("__typename") or candidates[0].types[0]
    for candidate in candidates:
        if typename in candidate.types:
            fields: dict[str, Any] = {"__typename": candidate.typename}
            try:
                _fill(fields, value, candidate.fields, typename)
            except _IncompleteError:
                continue
            if all(fields.get(key) is not None for key in candidate.keys):
                return encode(fields)
    return None


def _fill(
    into: dict[str, Any],
    value: dict[str, Any],
    selections: tuple[RequiredField | RequiredFragment, ...],
    typename: Any,
) -> None:
    for selection in selections:
        if isinstance(selection, RequiredFragment):
            if typename in selection.types:
                _fill(into, value, selection.selections, typename)
        else:
            part = value.get(selection.response_key, _ABSENT)
            if part is _ABSENT:
                raise _IncompleteError
            if selection.selections:
                merge(into, {selection.name: _required(part, selection.selections)})
            else:
                # The representation's own __typename is there already, and is not the data's.
                into.setdefault(selection.name, part)


def _required(value: Any, selections: tuple[RequiredField | RequiredFragment, ...]) -> Any:
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        _fill(fields, value, selections, value.get("__typename"))
        return fields
    if isinstance(value, list):
        return [_required(item, selections) for item in value]
    return value


class _IncompleteError(Exception):
    """The data lacks a required field: its entity cannot be asked for."""
