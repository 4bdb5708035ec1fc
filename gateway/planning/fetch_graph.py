"""From chosen positions to fetches: what each brings, what it waits for, and in which wave it runs.

Every entry and entity move among the chosen positions is one `FetchStep`. It waits for the step its
object comes from and for those that bring its key and requirements. Steps of one wave to one
subgraph are sent together, so a step that nothing waits for too early is moved to a later wave in
which its subgraph is called anyway.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.operation.deferred import PRIMARY
from gateway.operation.tree import Condition, SelectionSet
from gateway.planning.deferred import parts_in_need
from gateway.planning.positions import Position, PositionTree, Step
from gateway.planning.response_keys import ResponseKeys, settle_response_keys

Parts: TypeAlias = tuple[int, ...]
Group: TypeAlias = tuple[int, str, frozenset[Condition], int, Parts]
"""Wave, subgraph, conditions, the step's own place if it shares its request with none, and parts
of the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class FetchStep:
    position: Position
    needs: frozenset[int]
    """The ids of the positions of the steps it waits for."""
    wave: int
    conditions: frozenset[Condition]
    """What must hold for anything it brings to be wanted."""
    parts: Parts = (PRIMARY,)
    """The first parts of the answer that wait for it."""

    @property
    def group(self) -> Group:
        alone = self.position.step is Step.ENTRY and self.position.parent is not None
        own = self.position.id if alone else -1
        return (self.wave, self.position.subgraph, self.conditions, own, self.parts)


@dataclass(frozen=True, slots=True)
class FetchGraph:
    steps: tuple[FetchStep, ...]
    """A step comes after those it needs."""
    chosen: frozenset[Position]
    keys: ResponseKeys
    has_contexts: bool
    """Whether the value of any field depends on what encloses its object."""


def build_fetch_graph(
    tree: PositionTree,
    leaves: Iterable[Position],
    selections: SelectionSet,
    parents: Mapping[int, int],
) -> FetchGraph:
    """`parents` are those of the deferred parts."""
    leaves = tuple(leaves)
    chosen = _closure(leaves)
    conditions = _conditions(leaves, tree)
    parts = parts_in_need(leaves, tree, parents) if parents else {}
    steps: dict[int, FetchStep] = {}
    for position in chosen:
        if position.step in (Step.ENTRY, Step.ENTITY):
            needs = _needs(position)
            wave = 1 + max((steps[id_].wave for id_ in needs), default=-1)
            steps[position.id] = FetchStep(
                position, needs, wave, conditions[position], parts.get(position, (PRIMARY,))
            )
    return FetchGraph(
        steps=tuple(_postpone(steps).values()),
        chosen=frozenset(chosen),
        keys=settle_response_keys(selections, chosen),
        has_contexts=any(position.contexts for position in chosen),
    )


def _closure(leaves: Iterable[Position]) -> list[Position]:
    """The leaves and all that lies on the way, parents before children."""
    chosen: set[Position] = set()
    pending = list(leaves)
    while pending:
        position = pending.pop()
        if position not in chosen:
            chosen.add(position)
            pending.extend(position.needs)
            if position.parent is not None:
                pending.append(position.parent)
    return sorted(chosen, key=lambda position: position.id)


def _needs(position: Position) -> frozenset[int]:
    """Also what the narrowings on the way down to the object need."""
    needs = {need.fetch.id for need in position.needs}
    above = position.parent
    while above is not None:
        needs.update(need.fetch.id for need in above.needs)
        if above.step in (Step.ENTRY, Step.ENTITY):
            needs.add(above.id)
            break
        above = above.parent
    return frozenset(needs)


def _conditions(
    leaves: Iterable[Position], tree: PositionTree
) -> Mapping[Position, frozenset[Condition]]:
    """What all leaves that make use of a fetch have in common."""
    shared: dict[Position, frozenset[Condition]] = {}
    for leaf in leaves:
        hops = leaf.cost.hops
        while hops:
            fetch = tree.hops[hops.bit_length() - 1]
            hops ^= 1 << fetch.hop
            known = shared.get(fetch)
            shared[fetch] = leaf.conditions if known is None else known & leaf.conditions
    return shared


def _postpone(steps: dict[int, FetchStep]) -> dict[int, FetchStep]:
    """Empty the groups whose steps can all join later ones before anything waits for them."""
    steps = dict(steps)
    waiting: dict[int, list[int]] = defaultdict(list)
    groups: dict[Group, list[int]] = defaultdict(list)
    for id_, step in steps.items():
        groups[step.group].append(id_)
        for need in step.needs:
            waiting[need].append(id_)
    last = max((step.wave for step in steps.values()), default=0)
    for group in sorted(
        groups, key=lambda each: (-each[0], each[1], sorted(map(repr, each[2])), *each[3:])
    ):
        wave, subgraph, conditions, own, parts = group
        moves = {}
        for id_ in groups[group]:
            latest = min((steps[other].wave - 1 for other in waiting[id_]), default=last)
            later = (
                (other, subgraph, conditions, own, parts)
                for other in range(wave + 1, latest + 1)
                if groups.get((other, subgraph, conditions, own, parts))
            )
            moves[id_] = next(later, None)
        if wave == 0 or None in moves.values():
            continue
        for id_, target in moves.items():
            if target is not None:
                groups[target].append(id_)
                steps[id_] = replace(steps[id_], wave=target[0])
        groups[group] = []
    return steps
