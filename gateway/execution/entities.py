"""What an entity fetch sends, and to whom each entity of its answer belongs.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from gateway.execution.faults import ResponsePath
from gateway.execution.merge import copy_tree, merge
from gateway.execution.represent import representer
from gateway.execution.walk import find, find_located
from gateway.planning.plan import EntityCall

Holder: TypeAlias = tuple[int, dict[str, Any]]
"""An object that waits for an entity, after the number of the target that led to it."""


@dataclass(frozen=True, slots=True)
class CollectedCall:
    """The representations of one entity call, each once, and the holders of each."""

    call: EntityCall
    representations: tuple[msgspec.Raw, ...]
    holders: tuple[list[Holder], ...]

    def merge_entity(self, index: int, entity: dict[str, Any]) -> None:
        """Give the entity to all who wait for it.

        Holders under one target may share its parts, since whatever is fetched for one of them
        later is fetched for all. Under different targets the client may ask different things of
        the same response keys, so each gets a copy.
        """
        copies: dict[int, dict[str, Any]] = {}
        for target, value in self.holders[index]:
            if target not in copies:
                copies[target] = copy_tree(entity) if copies else entity
            merge(value, copies[target])

    def places(self, data: dict[str, Any], indexes: Iterable[int]) -> tuple[ResponsePath, ...]:
        """Where in the data the holders of these representations are."""
        wanted = {id(value) for index in indexes for _, value in self.holders[index]}
        located = (found for target in self.call.targets for found in find_located(data, target))
        return tuple(dict.fromkeys(place for value, place in located if id(value) in wanted))

    def all_places(self, data: dict[str, Any]) -> tuple[ResponsePath, ...]:
        return self.places(data, range(len(self.holders)))


def collect(call: EntityCall, data: dict[str, Any]) -> CollectedCall:
    """Find the call's entities. Identical representations are sent once, incomplete ones never."""
    representers = [representer(each) for each in call.representations]
    usual_type = call.representations[0].types[0]
    waiting: dict[tuple[int, Hashable], list[Holder]] = {}
    for target, path in enumerate(call.targets):
        for value in find(data, path):
            typename = value.get("__typename") or usual_type
            for number, candidate in enumerate(representers):
                # An object with a null in one key may have another one.
                if typename in candidate.types:
                    identity = candidate.identify(value)
                    if identity is not None:
                        waiting.setdefault((number, identity), []).append((target, value))
                        break
    return CollectedCall(
        call,
        tuple(msgspec.Raw(representers[n].write(identity)) for n, identity in waiting),
        tuple(waiting.values()),
    )
