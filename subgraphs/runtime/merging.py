"""Records of several sources that say the same, brought together; a pure function of the records.

1. Of one source's records the older versions give way: a corrected result replaces its predecessor.
   What was entered in error replaces nothing and is no fact.
2. Records of different sources are one fact where their kind finds them the same, the surest first,
   at most one of each source, and never two that cannot be one.
3. Where they disagree, the one that weighs most is shown and every value is named as a conflict.

Nothing is remembered, so nothing has to be undone: the same records give the same facts in any
order and however often they come, and without a source's records the others' facts are what they
were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final, Generic, TypeAlias

from subgraphs.runtime.gathering import Record
from subgraphs.runtime.kinds import Kind, Order, RecordT, changed

_MOST_PAIRS: Final = 20_000
"""Records of one code and two sources that are compared one with one. Beyond that they stay apart:
no chart has as many, and comparing them would take a hostile source's time of ours."""
_OLDER: Final = 8
"""No result is corrected more often."""

_Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing(Generic[RecordT]):
    """A source's newest version of a record, and those it replaces."""

    record: Record[RecordT]
    replaced: tuple[Record[RecordT], ...] = ()

    @property
    def compared(self) -> tuple[Record[RecordT], ...]:
        """By which another source's record is recognized: the newest and some older versions."""
        return (self.record, *self.replaced[:_OLDER])


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that the records of one fact do not agree on."""

    path: str
    values: tuple[tuple[str, str], ...]
    """Each source and what it says, in order of source."""


def group(
    kind: Kind[RecordT], records: Iterable[Record[RecordT]]
) -> list[tuple[Standing[RecordT], ...]]:
    """The records of each fact, in order of source."""
    blocks: defaultdict[Hashable, list[Standing[RecordT]]] = defaultdict(list)
    for standing in newest_versions(kind, records):
        same = kind.same(standing.record.resource)
        alone = ("alone", _key(standing.record))
        blocks[alone if same is None else ("same", same)].append(standing)
    return [fact for block in blocks.values() for fact in _clusters(kind, block)]


def lead_first(kind: Kind[RecordT], records: Sequence[Record[RecordT]]) -> list[Record[RecordT]]:
    """The record whose values are shown, and after it the others in the same order."""
    # Sorting is stable: among equals the first in order of source stays the first.
    return sorted(records, key=lambda record: _weight(kind, record), reverse=True)


def conflicts_of(kind: Kind[RecordT], records: Sequence[Record[RecordT]]) -> tuple[Conflict, ...]:
    found = []
    for detail in kind.details if len(records) > 1 else ():
        read = ((record.source, detail.read(record.resource)) for record in records)
        said = [(source, value) for source, value in read if value is not None]
        if any(not detail.agree(one, other) for (_, one), (_, other) in combinations(said, 2)):
            values = tuple((source, detail.shown(value)) for source, value in said)
            found.append(Conflict(detail.path, values))
    return tuple(found)


def newest_versions(
    kind: Kind[RecordT], records: Iterable[Record[RecordT]]
) -> list[Standing[RecordT]]:
    """What each source says now, in order of source and id."""
    held: dict[_Key, Record[RecordT]] = {}
    for record in records:
        known = held.get(_key(record))
        if known is None or _weight(kind, known) < _weight(kind, record):
            held[_key(record)] = record
    current = {
        key: record for key, record in sorted(held.items()) if not kind.retracted(record.resource)
    }
    roots = _roots(_replacing(kind, current))
    versions: defaultdict[_Key, list[Record[RecordT]]] = defaultdict(list)
    for key, record in current.items():
        versions[roots.get(key, key)].append(record)
    return [
        Standing(record, tuple(old for old in versions[key] if old is not record))
        for key, record in current.items()
        if key in versions
    ]


def _replacing(kind: Kind[RecordT], current: Mapping[_Key, Record[RecordT]]) -> dict[_Key, _Key]:
    """Each record that another of its source replaces, and which."""
    claims: defaultdict[_Key, set[_Key]] = defaultdict(set)
    for older, newer in _claims(kind, current):
        if older in current and older != newer:
            claims[older].add(newer)
    return {older: _best(kind, current, newer) for older, newer in claims.items()}


def _claims(
    kind: Kind[RecordT], current: Mapping[_Key, Record[RecordT]]
) -> Iterator[tuple[_Key, _Key]]:
    """What is an older version, perhaps, and of what: as one says, or what they share shows."""
    results: defaultdict[Hashable, list[_Key]] = defaultdict(list)
    occasions: defaultdict[Hashable, list[_Key]] = defaultdict(list)
    correcting: set[_Key] = set()
    for key, record in current.items():
        versions = kind.versions(record.resource)
        yield from (((record.source, id_), key) for id_ in versions.replaces)
        if versions.result is not None:
            results[record.source, versions.result].append(key)
        if versions.occasion is not None:
            occasions[record.source, versions.occasion].append(key)
        if versions.corrects:
            correcting.add(key)
    for keys in results.values():
        yield from product(keys, [_best(kind, current, keys)])
    for keys in occasions.values():
        corrections = correcting.intersection(keys)
        if corrections:
            yield from product(keys, [_best(kind, current, corrections)])


def _best(
    kind: Kind[RecordT], current: Mapping[_Key, Record[RecordT]], keys: Iterable[_Key]
) -> _Key:
    return max(keys, key=lambda key: (_weight(kind, current[key]), key))


def _roots(replacing: Mapping[_Key, _Key]) -> dict[_Key, _Key]:
    """What stands in the end for each; of records that replace each other in a circle the last."""
    roots: dict[_Key, _Key] = {}
    for key in replacing:
        path = {key: None}
        last = key
        while last in replacing and last not in roots:
            following = replacing[last]
            if following in path:
                circle = list(path)[list(path).index(following) :]
                roots |= dict.fromkeys(circle, max(circle))
                break
            path[following] = None
            last = following
        roots |= dict.fromkeys(path, roots.get(last, last))
    return roots


def _clusters(
    kind: Kind[RecordT], block: Sequence[Standing[RecordT]]
) -> list[tuple[Standing[RecordT], ...]]:
    facts = [[place] for place in range(len(block))]
    for one, other in _pairs(kind, block):
        ours = next(fact for fact in facts if one in fact)
        theirs = next(fact for fact in facts if other in fact)
        if ours is not theirs and _may_join(kind, block, ours, theirs):
            ours.extend(theirs)
            facts.remove(theirs)
    return [tuple(block[place] for place in sorted(fact)) for fact in facts]


def _pairs(kind: Kind[RecordT], block: Sequence[Standing[RecordT]]) -> list[tuple[int, int]]:
    """Places of two sources' records that may be one fact, the surest first.

    The block is in order of source and id: a source's n-th of several alike joins the others' n-th.
    """
    if len(block) < 2 or len(block) ** 2 > _MOST_PAIRS:  # noqa: PLR2004 - a pair
        return []
    nth: defaultdict[str, int] = defaultdict(int)
    places = []
    for standing in block:
        places.append(nth[standing.record.source])
        nth[standing.record.source] += 1
    found = []
    for one, other in combinations(range(len(block)), 2):
        if block[one].record.source != block[other].record.source:
            distance = _distance(kind, block[one], block[other])
            if distance is not None:
                found.append((distance, abs(places[one] - places[other]), one, other))
    return [(one, other) for *_, one, other in sorted(found)]


def _may_join(
    kind: Kind[RecordT],
    block: Sequence[Standing[RecordT]],
    ours: Sequence[int],
    theirs: Sequence[int],
) -> bool:
    sources = {block[place].record.source for place in ours}
    return not any(block[place].record.source in sources for place in theirs) and all(
        _distance(kind, block[one], block[other]) is not None for one in ours for other in theirs
    )


def _distance(kind: Kind[RecordT], one: Standing[RecordT], other: Standing[RecordT]) -> int | None:
    """The nearest of any two versions: another source may still hold the one that was replaced."""
    known = (
        kind.distance(ours.resource, theirs.resource)
        for ours in one.compared
        for theirs in other.compared
    )
    return min((distance for distance in known if distance is not None), default=None)


def _weight(kind: Kind[RecordT], record: Record[RecordT]) -> Order:
    return (*kind.weight(record.resource), changed(record.resource))


def _key(record: Record[RecordT]) -> _Key:
    return record.source, record.resource.id
