"""Which of a patient's records are about one claim: by its numbers, never by what it looks like.

A claim is known to its provider by one number (CLM01, the account) and to its payer by another
(CLP07, REF 1K). An answer repeats both and so joins what tells either; a replacement names the
payer's number of what it replaces. Some providers send one account's number with every claim:
records that have only that in common are of one claim if their days of service meet. What tells no
day is of the account's only claim, or where it has several, of none for certain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from subgraphs.runtime import fhir

_DAY = len("YYYY-MM-DD")
_MOST_ALIKE = 200
"""Records of one account beyond which they are not compared: no claim has as many."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Each as `payer|number`, since two payers may give out the same one."""

    accounts: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    days: tuple[str, str] | None = None
    """The first and the last day of service, where told."""


def days_of(period: fhir.Period | None) -> tuple[str, str] | None:
    if period is None or not period.start:
        return None
    return period.start[:_DAY], (period.end or period.start)[:_DAY]


def find_families(members: Sequence[Numbers]) -> list[int]:
    """For each the place of the first one it is of one claim with."""
    families = _FamilyBuilder(len(members))
    by_claim, by_account = _places(members, "claims"), _places(members, "accounts")
    for places in by_claim:
        families.join_all(places)
    for places in by_account:
        dated = [place for place in places if members[place].days]
        for one, other in combinations(dated[:_MOST_ALIKE], 2):
            if meet(members[one], members[other]):
                families.join_all([one, other])
        if len({families.first_of(place) for place in dated}) <= 1:
            families.join_all(places)
    return [families.first_of(place) for place in range(len(members))]


class _FamilyBuilder:
    def __init__(self, size: int) -> None:
        self._first = list(range(size))

    def first_of(self, place: int) -> int:
        while self._first[place] != place:
            self._first[place] = self._first[self._first[place]]
            place = self._first[place]
        return place

    def join_all(self, places: Sequence[int]) -> None:
        firsts = [self.first_of(place) for place in places]
        for first in firsts:
            self._first[first] = min(firsts)


def _places(members: Sequence[Numbers], kind: Literal["claims", "accounts"]) -> list[list[int]]:
    """Where each number of a kind stands."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, member in enumerate(members):
        for number in getattr(member, kind):
            places[number].append(place)
    return list(places.values())


def are_one(one: Numbers, other: Numbers) -> bool:
    if one.claims & other.claims:
        return True
    return bool(one.accounts & other.accounts) and meet(one, other)


def meet(one: Numbers, other: Numbers) -> bool:
    """Whether the days of service have one in common, as far as they are told."""
    if one.days is None or other.days is None:
        return True
    return one.days[0] <= other.days[1] and other.days[0] <= one.days[1]
