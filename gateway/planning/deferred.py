"""What is planned for deferred fragments: only what is not at hand when they are due.

A field that a deferred fragment shares with what is around it is fetched there. Where both select
from the same object, what only the fragment selects is deferred from that object on, so that it is
asked of the very entities that were delivered before. What belongs to which part of the answer is
decided elsewhere, by the response's types; here it is only fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.operation.deferred import PRIMARY
from gateway.operation.tree import Defer, Field, InlineFragment, Operation, Selection, SelectionSet
from gateway.planning.choose import Alternatives, choose
from gateway.planning.positions import Cost, Position, PositionTree

ANY_TYPE: Final = ""
"""The type condition of what is deferred from an object on, whatever its type."""


def defer_the_rest(operation: Operation) -> Operation:
    """The operation to plan, with nothing in a deferred fragment that is at hand when it is due."""
    return replace(operation, selections=_arrange(operation.selections, None))


def choose_in_turn(
    tree: PositionTree, leaves: Sequence[Alternatives], parents: Mapping[int, int]
) -> tuple[Position, ...]:
    """Choose for the primary part as if it were alone, then for each part given what is before."""
    if not parents:
        return choose(tree, leaves)
    costs: dict[int, Cost] = {}
    chosen: list[Position] = []
    for part in (PRIMARY, *parents):
        own = [leaf for leaf in leaves if leaf[0].part == part]
        cost = costs[parents[part]] if part in parents else Cost()
        for position in choose(tree, own, cost):
            chosen.append(position)
            cost |= position.cost
        costs[part] = cost
    return tuple(dict.fromkeys(chosen))


def parts_in_need(
    leaves: Iterable[Position], tree: PositionTree, parents: Mapping[int, int]
) -> Mapping[Position, tuple[int, ...]]:
    """For each fetch the parts that wait for it; not those that come after one that does."""
    wanted: dict[Position, set[int]] = {}
    for leaf in leaves:
        hops = leaf.cost.hops
        while hops:
            fetch = tree.hops[hops.bit_length() - 1]
            hops ^= 1 << fetch.hop
            wanted.setdefault(fetch, set()).add(leaf.part)
    return {
        fetch: tuple(sorted(part for part in parts if not _has_any_above(part, parts, parents)))
        for fetch, parts in wanted.items()
    }


def _has_any_above(part: int, parts: set[int], parents: Mapping[int, int]) -> bool:
    while part != PRIMARY:
        part = parents[part]
        if part in parts:
            return True
    return False


@dataclass(slots=True)
class _Given:
    """A field that is selected of an object whatever it is, and what is deferred from it on."""

    selected: Field
    part: int
    deferred: list[InlineFragment] = field(default_factory=list)


def _arrange(selections: SelectionSet, defer: Defer | None) -> SelectionSet:
    """The selections of one object, which belong to this part as far as they are not deferred."""
    known: dict[int, _Given] = {}
    kept = _sort_out(selections, {}, known, defer, certain=True)
    return _settle(kept, known, defer)


def _sort_out(
    selections: SelectionSet,
    around: Mapping[str, _Given],
    known: dict[int, _Given],
    defer: Defer | None,
    *,
    certain: bool,
) -> SelectionSet:
    """Leave out what `around` gives; `known` takes the given fields by their identities."""
    part = defer.number if defer else PRIMARY
    given = dict(around)
    for each in selections:
        if isinstance(each, Field) and not each.conditions and each.response_key not in given:
            given[each.response_key] = known[id(each)] = _Given(each, part)
    kept: list[Selection] = []
    for each in selections:
        if isinstance(each, Field):
            if not _is_given(each, around, defer, certain=certain):
                kept.append(each)
            continue
        inner = _sort_out(
            each.selections,
            given,
            known,
            each.defer or defer,
            certain=certain and not each.conditions,
        )
        if inner:
            kept.append(replace(each, selections=inner))
    return tuple(kept)


def _is_given(
    selected: Field, around: Mapping[str, _Given], defer: Defer | None, *, certain: bool
) -> bool:
    given = around.get(selected.response_key)
    if defer is None or given is None or given.part == defer.number:
        return False
    if not selected.selections:
        return True
    if not certain or selected.conditions or selected.parent_type != given.selected.parent_type:
        return False
    given.deferred.append(InlineFragment(ANY_TYPE, (), selected.selections, defer))
    return True


def _settle(
    selections: SelectionSet, known: Mapping[int, _Given], defer: Defer | None
) -> SelectionSet:
    settled: list[Selection] = []
    for each in selections:
        if isinstance(each, InlineFragment):
            inner = _settle(each.selections, known, each.defer or defer)
            settled.append(replace(each, selections=inner))
        else:
            given = known.get(id(each))
            below = (*each.selections, *(given.deferred if given else ()))
            settled.append(replace(each, selections=_arrange(below, defer)) if below else each)
    return tuple(settled)
