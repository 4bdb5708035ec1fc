"""Decide whether two records are of one person. A wrong link is far worse than a missed one.

First rules, which are certain: a few that link, and more that forbid it, whatever else agrees. Then
points: the weights of all agreements, added up (Fellegi and Sunter). Three outcomes: linked, apart,
or for a human to decide. The outcome depends on the two records alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from subgraphs.identity.index.comparison import DIFFERENT, SAME, compare
from subgraphs.identity.index.features import Features
from subgraphs.identity.index.frequencies import Frequencies, frequencies
from subgraphs.identity.index.weights import Weights, WeightsError, standard_weights


class Outcome(IntEnum):
    APART = 0
    REVIEW = 1
    LINK = 2


@dataclass(frozen=True, slots=True)
class Part:
    """What one field adds to the points, or takes away."""

    field: str
    level: str
    points: float


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    points: float
    parts: tuple[Part, ...]
    rule: str | None = None
    """The rule that decided, or that forbade what the points would have made of it."""


Levels = Mapping[str, str]


class Matcher:
    """Decides by one set of weights."""

    def __init__(self, weights: Weights | None = None, known: Frequencies | None = None) -> None:
        self.weights = weights or standard_weights()
        self._known = known or frequencies()
        if unknown := sorted(set(self.weights.rules) - CEILINGS.keys()):
            raise WeightsError(f"the matching knows no rule {', '.join(unknown)}")
        # In our order: the first that forbids is the one that is named.
        self._rules = {n: rule for n, rule in CEILINGS.items() if n in self.weights.rules}

    def decide(self, one: Features, other: Features) -> Verdict:
        agreements = tuple(compare(one, other, self._known))
        parts = tuple(
            Part(a.field, a.level, self.weights.points(a, self._known)) for a in agreements
        )
        points = sum(part.points for part in parts)
        levels = {agreement.field: agreement.level for agreement in agreements}
        is_sure = is_certain(levels)
        outcome = Outcome.LINK if is_sure else self._by_points(points)
        for name, ceiling in self._rules.items():
            highest = ceiling(levels, one, other)
            if highest is None or highest >= outcome:
                continue
            if name not in _BY_CHANCE or not self._is_no_chance(points, levels, one, other):
                return Verdict(highest, points, parts, name)
        return Verdict(outcome, points, parts, CERTAIN if is_sure else None)

    def contradict(self, one: Features, other: Features) -> bool:
        """Whether these two cannot be one person, whoever may lie between them."""
        levels = {a.field: a.level for a in compare(one, other, self._known)}
        return any(
            outcome is Outcome.APART or (outcome is not None and name in _PARTING)
            for name, ceiling in self._rules.items()
            for outcome in (ceiling(levels, one, other),)
        )

    def _is_no_chance(self, points: float, levels: Levels, one: Features, other: Features) -> bool:
        """Whether no second person so much alike is to be expected in one place."""
        is_here = levels.get("place") in (SAME, "near")
        return is_here and points >= self.weights.sure and not _is_denied(levels, one, other)

    def _by_points(self, points: float) -> Outcome:
        if points >= self.weights.link:
            return Outcome.LINK
        return Outcome.REVIEW if points >= self.weights.review else Outcome.APART


CERTAIN: Final = "number, birth date and name"


def is_certain(levels: Levels) -> bool:
    """The same number, birth date and given name: married and moved, but nobody else."""
    return (
        levels.get("ssn") == SAME
        and levels.get("birthDate") == SAME
        and levels.get("given") in _SAME_GIVEN
    )


_SAME_GIVEN: Final = frozenset({SAME, "form"})
_OTHER_GIVEN: Final = frozenset({DIFFERENT, "neighbour"})
_OTHER_BIRTH: Final = frozenset({DIFFERENT, "year"})
_SAME_HOME: Final = frozenset({SAME, "alike"})
_ONE_NUMBER: Final = frozenset({SAME, "slip"})
_LIKE_NUMBER: Final = frozenset({SAME, "slip", "neighbour"})
_YOUNGEST_PARENT: Final = 12


def _same_source(_levels: Levels, one: Features, other: Features) -> Outcome | None:
    # A source that keeps two records means two people, or has made a mistake a human must see.
    return Outcome.REVIEW if one.source == other.source else None


def _other_sex(levels: Levels, _one: Features, _other: Features) -> Outcome | None:
    if levels.get("sex") != DIFFERENT:
        return None
    return Outcome.REVIEW if levels.get("ssn") == SAME else Outcome.APART


def _other_generation(levels: Levels, _one: Features, _other: Features) -> Outcome | None:
    if levels.get("suffix") != DIFFERENT:
        return None
    return Outcome.REVIEW if levels.get("ssn") == SAME else Outcome.APART


def _twins(levels: Levels, one: Features, other: Features) -> Outcome | None:
    """Another given name, or none: with all else the same it is a twin, or the same household."""
    if levels.get("ssn") in _ONE_NUMBER:
        return None
    given = levels.get("given")
    if given in _OTHER_GIVEN:
        return Outcome.APART
    if given == "initial":
        # Twins are often named alike.
        return Outcome.REVIEW
    return None if given is not None or _has_one_name(levels, one, other) else Outcome.REVIEW


def _has_one_name(levels: Levels, one: Features, other: Features) -> bool:
    """Whether neither source tells a given name of somebody who is no newborn: there is none.

    Nobody gets a number before a name. For twins both sources would have to lack it by chance.
    """
    is_named = bool(one.ssn and other.ssn) and levels.get("ssn") != "neighbour"
    return is_named and not one.given and not other.given


def _other_birth(levels: Levels, one: Features, other: Features) -> Outcome | None:
    """Another birth date, or none: a parent and a child of one name, in one home."""
    number, birth = levels.get("ssn"), levels.get("birthDate")
    if birth == SAME:
        return None
    if birth in _OTHER_BIRTH and levels.get("given") in _OTHER_GIVEN:
        # Children are registered with a parent's number.
        return Outcome.REVIEW
    if number in _LIKE_NUMBER:
        return None
    if _is_alone_of_the_name(levels, one, other):
        return None if birth == "slip" else Outcome.REVIEW
    if number is None:
        return Outcome.APART if birth in _OTHER_BIRTH else Outcome.REVIEW
    return {"slip": None, None: Outcome.REVIEW}.get(birth, Outcome.APART)


def _is_alone_of_the_name(levels: Levels, one: Features, other: Features) -> bool:
    """Whether these are too near in age for a parent and a child, and no couple of one name."""
    if one.birth_date is None or other.birth_date is None:
        return False
    if levels.get("given") != SAME or levels.get("sex") != SAME:
        return False
    years = abs(int(one.birth_date[:4]) - int(other.birth_date[:4]))
    return years < _YOUNGEST_PARENT and _live_together(levels)


def _live_together(levels: Levels) -> bool:
    is_reached = levels.get("phone") == SAME or levels.get("email") == SAME
    return is_reached or levels.get("address") in _SAME_HOME


def _other_family(levels: Levels, _one: Features, _other: Features) -> Outcome | None:
    """Another family name: married, if home or telephone is the same; else somebody else."""
    if levels.get("family") != DIFFERENT or levels.get("ssn") in _LIKE_NUMBER:
        return None
    ways = (levels.get(field) for field in ("number", "phone", "email", "address"))
    return None if SAME in ways else Outcome.REVIEW


def _other_middle(levels: Levels, _one: Features, _other: Features) -> Outcome | None:
    is_other = levels.get("middle") == DIFFERENT and levels.get("ssn") not in _ONE_NUMBER
    return Outcome.REVIEW if is_other else None


def _namesakes(levels: Levels, _one: Features, _other: Features) -> Outcome | None:
    """A name and a birth date alone: there are two of that in every large town."""
    if levels.get("ssn") in _LIKE_NUMBER or levels.get("number") == SAME:
        return None
    return None if _live_together(levels) else Outcome.REVIEW


def _is_denied(levels: Levels, one: Features, other: Features) -> bool:
    """Whether what hardly ever differs for one person does, besides numbers and addresses."""
    if any(levels.get(field) == DIFFERENT for field in ("middle", "phone", "email")):
        return True
    ones, others = (_by_system(record) for record in (one, other))
    return any(ones[system].isdisjoint(others[system]) for system in ones.keys() & others.keys())


def _by_system(record: Features) -> Mapping[str, set[str]]:
    """Numbers by who gave them: a person has but one of most."""
    found: dict[str, set[str]] = {}
    for number in record.numbers:
        system, _, value = number.partition("|")
        found.setdefault(system, set()).add(value)
    return found


CEILINGS: Final[Mapping[str, Callable[[Levels, Features, Features], Outcome | None]]] = {
    "another sex": _other_sex,
    "another generation": _other_generation,
    "another given name": _twins,
    "another birth date": _other_birth,
    "another middle name": _other_middle,
    "another family name": _other_family,
    "a name and a birth date alone": _namesakes,
    "two records of one source": _same_source,
}
"""The highest outcome each rule allows, None for any; the sharpest first."""

_BY_CHANCE: Final = frozenset({"another family name", "a name and a birth date alone"})
"""Rules against strangers: points say how unlikely such a one is. No points speak against kin."""

_PARTING: Final = frozenset({"another middle name", "two records of one source"})
"""Rules that a link to a third record does not get around, though a human may."""
