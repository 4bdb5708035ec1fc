"""Compare two records field by field: how far each agrees, in a word.

A field that either side does not tell is left out. Two spellings of a given name count as one only
if they are not both names of their own: `Haryley` is a misspelt Harley, Maria is not Marie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler

from subgraphs.identity.index import names
from subgraphs.identity.index.features import Features, Home
from subgraphs.identity.index.frequencies import Frequencies

SAME: Final = "same"
DIFFERENT: Final = "different"
_SIMILAR = 0.92
_MISSPELT = 0.86
_SAME_STREET = 85.0
_ONE_STREET = 90.0
_LIKE_STREET = 60.0
_ANY_STREET = 45.0
_LIKE_HOUSE = 0.6
_LONG = 4
_SHORT = 3
_CLOSE = 100


class Agreement(NamedTuple):
    """How far a field agrees; `value` is the name both have, for its frequency."""

    field: str
    level: str
    value: str | None = None


def compare(one: Features, other: Features, known: Frequencies) -> Iterator[Agreement]:
    """Every field that both records tell."""
    if (number := _ssn(one, other)) is not None:
        yield Agreement("ssn", number)
    if not set(one.numbers).isdisjoint(other.numbers):
        # Each source has numbers of its own: to have none in common says nothing.
        yield Agreement("number", SAME)
    if one.birth_date and other.birth_date:
        yield Agreement("birthDate", _birth(one.birth_date, other.birth_date))
    yield from _names(one, other, known)
    if one.sex and other.sex:
        yield Agreement("sex", SAME if one.sex == other.sex else DIFFERENT)
    for field, ones, others in (
        ("middle", one.middle, other.middle),
        ("suffix", one.suffixes, other.suffixes),
        ("phone", one.phones, other.phones),
        ("email", one.emails, other.emails),
    ):
        if ones and others:
            yield Agreement(field, DIFFERENT if set(ones).isdisjoint(others) else SAME)
    if one.homes and other.homes:
        yield Agreement("address", _address(one.homes, other.homes))
        if (place := _place(one.homes, other.homes)) is not None:
            yield Agreement("place", place)


def _ssn(one: Features, other: Features) -> str | None:
    if one.ssn and other.ssn:
        return _whole_ssn(one.ssn, other.ssn)
    first, second = one.last or (one.ssn or "")[-4:], other.last or (other.ssn or "")[-4:]
    if not first or not second:
        return None
    return "last" if first == second else DIFFERENT


def _whole_ssn(one: str, other: str) -> str:
    if one == other:
        return SAME
    if OSA.distance(one, other, score_cutoff=1) > 1:
        return DIFFERENT
    # Two digits exchanged, or one wrong, is a typing error; but the numbers of twins were given
    # out one after the other.
    is_exchange = sorted(one) == sorted(other)
    return "slip" if is_exchange or abs(int(one) - int(other)) >= _CLOSE else "neighbour"


def _birth(one: str, other: str) -> str:
    if one == other:
        return SAME
    # A slip of the pen: one digit, two exchanged, the neighbouring day, or day and month exchanged.
    if OSA.distance(one.replace("-", ""), other.replace("-", ""), score_cutoff=1) <= 1:
        return "slip"
    if one[:5] + one[8:] + one[4] + one[5:7] == other:
        return "slip"
    if abs((date.fromisoformat(one) - date.fromisoformat(other)).days) == 1:
        return "slip"
    return "year" if one[:4] == other[:4] else DIFFERENT


def _names(one: Features, other: Features, known: Frequencies) -> Iterator[Agreement]:
    given = _given(one.given, other.given, known) if one.given and other.given else None
    family = _family(one.family, other.family, known) if one.family and other.family else None
    is_apart = DIFFERENT in (given and given.level, family and family.level)
    if is_apart and _are_swapped(one, other, known):
        yield Agreement("given", "swapped")
        yield Agreement("family", "swapped")
        return
    if given is not None:
        yield given
    if family is not None:
        yield family


def _given(one: Sequence[str], other: Sequence[str], known: Frequencies) -> Agreement:
    if both := set(one) & set(other):
        return Agreement("given", SAME, min(both, key=lambda name: (known.of_given(name), name)))
    pairs = [(a, b) for a in one for b in other]
    if any(names.are_forms_of_one_name(a, b) for a, b in pairs):
        return Agreement("given", "form")
    if any(min(len(a), len(b)) == 1 and a[0] == b[0] for a, b in pairs):
        return Agreement("given", "initial")
    if any(names.spelt_alike(a) == names.spelt_alike(b) for a, b in pairs):
        return Agreement("given", "form")
    if any(_is_misspelt(a, b, known) for a, b in pairs):
        return Agreement("given", "slip")
    is_near = any(are_alike(a, b) for a, b in pairs)
    return Agreement("given", "neighbour" if is_near else DIFFERENT)


def _is_misspelt(one: str, other: str, known: Frequencies) -> bool:
    """Whether one of the two is no name of its own, but the other with a slip or two."""
    if known.is_given(one) and known.is_given(other):
        return False
    slip = OSA.distance(one, other, score_cutoff=1) <= 1 and one[0] == other[0]
    return slip or are_alike(one, other) or JaroWinkler.similarity(one, other) >= _MISSPELT


def _family(one: Sequence[str], other: Sequence[str], known: Frequencies) -> Agreement:
    if both := set(one) & set(other):
        return Agreement("family", SAME, min(both, key=lambda name: (known.of_family(name), name)))
    pairs = [(a, b) for a in one for b in other]
    if any(are_alike(a, b) for a, b in pairs):
        return Agreement("family", "slip")
    # García, and García López.
    if any(min(len(a), len(b)) >= _LONG and (a in b or b in a) for a, b in pairs):
        return Agreement("family", "part")
    return Agreement("family", DIFFERENT)


def _are_swapped(one: Features, other: Features, known: Frequencies) -> bool:
    """Whether the given name stands where the family name should, on one side."""
    crossed = [(a, b) for a in one.given for b in other.family]
    back = [(a, b) for a in one.family for b in other.given]
    told = [pairs for pairs in (crossed, back) if pairs]
    if not told:
        return False
    if all(any(are_alike(a, b) for a, b in pairs) for pairs in told):
        return True
    # `Webb, Sam` and `Sma Webb`: where one name is beyond doubt, the other may be short.
    is_exact = any(a == b for pairs in told for a, b in pairs)
    return is_exact and all(any(_is_short_slip(a, b, known) for a, b in p) for p in told)


def _is_short_slip(one: str, other: str, known: Frequencies) -> bool:
    if min(len(one), len(other)) < _SHORT or OSA.distance(one, other, score_cutoff=1) > 1:
        return False
    return one == other or not (known.is_given(one) and known.is_given(other))


def are_alike(one: str, other: str) -> bool:
    """One slip of the pen apart, or nearly so in a long name."""
    slip = min(len(one), len(other)) >= _LONG and OSA.distance(one, other, score_cutoff=1) <= 1
    return slip or JaroWinkler.similarity(one, other) >= _SIMILAR


def _address(one: Sequence[Home], other: Sequence[Home]) -> str:
    levels = {_street(a, b) for a in one for b in other}
    return next(level for level in (SAME, "alike", "street", DIFFERENT) if level in levels)


def _street(one: Home, other: Home) -> str:
    same_house = bool(one.house) and one.house == other.house
    likeness = fuzz.token_sort_ratio(one.street, other.street)
    if likeness < _SAME_STREET and not _words(one).isdisjoint(_words(other)):
        # One tells the house's name too, or the farm's, and the other does not.
        likeness = max(likeness, fuzz.token_set_ratio(one.street, other.street))
    if same_house and likeness >= _SAME_STREET:
        return SAME
    if likeness >= _ONE_STREET or (same_house and likeness >= _LIKE_STREET):
        return "alike" if same_house or _may_be_one_house(one.house, other.house) else "street"
    same_door = same_house and bool(one.code) and one.code == other.code
    return "alike" if same_door and likeness >= _ANY_STREET else DIFFERENT


def _may_be_one_house(one: str, other: str) -> bool:
    """Whether one side tells no number, or one digit of several is wrong."""
    return not one or not other or OSA.normalized_similarity(one, other) >= _LIKE_HOUSE


def _words(home: Home) -> set[str]:
    return {word for word in home.street.split() if len(word) >= _LONG}


def _place(one: Sequence[Home], other: Sequence[Home]) -> str | None:
    codes = [(a.code, b.code) for a in one for b in other if a.code and b.code]
    if any(a == b for a, b in codes):
        return SAME
    cities = [(a.city, b.city) for a in one for b in other if a.city and b.city]
    if any(OSA.distance(a, b, score_cutoff=1) <= 1 for a, b in codes) or any(
        a == b or are_alike(a, b) for a, b in cities
    ):
        return "near"
    return DIFFERENT if codes or cities else None
