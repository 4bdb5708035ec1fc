"""What an entity fetch sends, and to whom each entity of its answer belongs.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from gateway.execution.faults import ResponsePath
from gateway.execution.merge import copy_tree, merge
from gateway.execution.represent import representer
from gateway.execution.walk import find, find_located
from gateway.planning.plan import EntityCall

_ANOTHER_TYPE: Final = (-1, None)

Holder: TypeAlias = tuple[int, dict[str, Any]]
"""An object that waits for an entity, after the number of the target that led to it."""


@dataclass(frozen=True, slots=True)
class CollectedCall:
    """The representations of one entity call, each once, and the holders of each."""

    call: EntityCall
    representations: tuple[msgspec.Raw, ...]
    holders: tuple[list[Holder], ...]
    skipped: tuple[dict[str, Any], ...]
    """Objects of the right types that lack what it takes to ask for them."""
    values: Mapping[str, Any]
    """Of the call's other variables."""

    def merge_entity(self, index: int, entity: dict[str, Any]) -> None:
        """Give the entity to all who wait for it.

        Holders under one target may share its parts, since whatever is fetched for one of them
        later is fetched for all. Under different targets the client may ask different things of
        the same response keys, so each gets a copy.
        """
        copies: dict[int, dict[str, Any]] = {}
        for number, (target, value) in enumerate(self.holders[index]):
            group = number if self.call.apart else target
            if group not in copies:
                copies[group] = copy_tree(entity) if copies else entity
            merge(value, copies[group])

    def places(self, data: dict[str, Any], indexes: Iterable[int]) -> tuple[ResponsePath, ...]:
        """Where in the data the holders of these representations are."""
        return self._locate(data, {id(value) for i in indexes for _, value in self.holders[i]})

    def all_places(self, data: dict[str, Any]) -> tuple[ResponsePath, ...]:
        return self.places(data, range(len(self.holders)))

    def skipped_places(self, data: dict[str, Any]) -> tuple[ResponsePath, ...]:
        return self._locate(data, {id(value) for value in self.skipped})

    def _locate(self, data: dict[str, Any], wanted: set[int]) -> tuple[ResponsePath, ...]:
        located = (found for target in self.call.targets for found in find_located(data, target))
        return tuple(dict.fromkeys(place for value, place in located if id(value) in wanted))


def collect(call: EntityCall, data: dict[str, Any]) -> CollectedCall:
    """Find the call's entities. Identical representations are sent once, incomplete ones never."""
    builder = CollectedCallBuilder(call)
    for target, path in enumerate(call.targets):
        for value in find(data, path):
            builder.add(target, value)
    return builder.build({})


class CollectedCallBuilder:
    def __init__(self, call: EntityCall) -> None:
        self._call = call
        self._representers = [representer(each) for each in call.representations]
        self._usual_type = call.representations[0].types[0]
        self._waiting: dict[tuple[int, Hashable], list[Holder]] = {}
        self._skipped: list[dict[str, Any]] = []

    def add(self, target: int, value: dict[str, Any]) -> None:
        identity = self._identify(value)
        if identity is None:
            self._skipped.append(value)
        elif identity is not _ANOTHER_TYPE:
            self._waiting.setdefault(identity, []).append((target, value))

    def skip(self, value: dict[str, Any]) -> None:
        """What else there is to be asked with is missing."""
        if self._identify(value) is not _ANOTHER_TYPE:
            self._skipped.append(value)

    def build(self, values: Mapping[str, Any]) -> CollectedCall:
        return CollectedCall(
            self._call,
            tuple(
                msgspec.Raw(self._representers[number].write(identity))
                for number, identity in self._waiting
            ),
            tuple(self._waiting.values()),
            tuple(self._skipped),
            values,
        )

    def _identify(self, value: dict[str, Any]) -> tuple[int, Hashable] | None:
        """Which representer shows the object, and as what; None where none can."""
        typename = value.get("__typename") or self._usual_type
        if type(typename) is not str:
            return _ANOTHER_TYPE
        identity: tuple[int, Hashable] | None = _ANOTHER_TYPE
        for number, candidate in enumerate(self._representers):
            if typename in candidate.types:
                shown = candidate.identify(value)
                if shown is not None:
                    return number, shown
                # An object with a null in one key may have another one.
                identity = None
        return identity
