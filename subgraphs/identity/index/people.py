"""Bring records together to people: links grow to groups that hold no contradiction.

First come the bonds a human has made, whatever speaks against them; no group ever joins two records
a human has put apart. Then the links of the machine, the surest first, each only if no record of
the one group contradicts any of the other. The outcome depends on the set alone, not on any order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Final, NamedTuple

from subgraphs.identity.index.blocking import MAX_BLOCK, block_keys
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.matching import Matcher, Outcome


class Pair(NamedTuple):
    """Two records, the lower key first."""

    one: str
    other: str


def pair(one: str, other: str) -> Pair:
    return Pair(min(one, other), max(one, other))


Bonds = Mapping[Pair, bool]
"""What humans have decided: True for one person, False for two."""
NO_BONDS: Final[Bonds] = {}


def tell_apart(
    records: Mapping[str, Features], matcher: Matcher, bonds: Bonds = NO_BONDS
) -> list[frozenset[str]]:
    """The people behind these records, each as the set of its records' keys."""
    links = {
        each: verdict.points
        for each in candidates(records)
        if (verdict := matcher.decide(records[each.one], records[each.other])).outcome
        is Outcome.LINK
    }
    return grow(records, links, bonds, matcher)


def candidates(records: Mapping[str, Features]) -> list[Pair]:
    """Pairs worth deciding."""
    blocks: defaultdict[str, list[str]] = defaultdict(list)
    for key in sorted(records):
        for block in set(block_keys(records[key])):
            blocks[block].append(key)
    found = {
        Pair(*two)
        for block in blocks.values()
        if len(block) <= MAX_BLOCK
        for two in combinations(block, 2)
    }
    return sorted(found)


def grow(
    records: Mapping[str, Features], links: Mapping[Pair, float], bonds: Bonds, matcher: Matcher
) -> list[frozenset[str]]:
    """People out of links that reach the points for one."""
    groups = {key: frozenset([key]) for key in records}

    def join(each: Pair) -> None:
        joined = groups[each.one] | groups[each.other]
        groups.update(dict.fromkeys(joined, joined))

    def contradict(one: str, other: str) -> bool:
        decided = bonds.get(pair(one, other))
        return decided is False or (
            decided is None and matcher.contradict(records[one], records[other])
        )

    for each, is_one in bonds.items():
        if is_one:
            join(each)
    # What a human has put apart is no longer a rival either.
    open_links = {each: points for each, points in links.items() if bonds.get(each) is not False}
    for each in sorted(_clear(open_links, contradict, matcher.weights.margin), key=_surest(links)):
        one, other = groups[each.one], groups[each.other]
        if one is not other and not any(contradict(a, b) for a, b in product(one, other)):
            join(each)
    return sorted(set(groups.values()), key=min)


def _surest(links: Mapping[Pair, float]) -> Callable[[Pair], tuple[float, Pair]]:
    return lambda each: (-links[each], each)


def _clear(
    links: Mapping[Pair, float], contradict: Callable[[str, str], bool], margin: float
) -> list[Pair]:
    """Leave out links of a record that fits two contradicting ones about equally well."""
    rivals: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for (one, other), points in links.items():
        rivals[one].append((points, other))
        rivals[other].append((points, one))

    def is_ambiguous(points: float, record: str, chosen: str) -> bool:
        return any(
            rival != chosen and points - rival_points < margin and contradict(chosen, rival)
            for rival_points, rival in rivals[record]
        )

    return [
        each
        for each, points in links.items()
        if not is_ambiguous(points, each.one, each.other)
        and not is_ambiguous(points, each.other, each.one)
    ]
