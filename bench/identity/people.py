"""Made-up people in any number, named as often as people are, and how they are written down."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Final

import msgspec

from subgraphs.identity.index.frequencies import frequencies
from subgraphs.identity.model import SSN_SYSTEM, PatientResource

SOURCES: Final = ("a", "b", "c")
TWICE: Final = 20
"""One in so many is known to a second source."""
_ZIPS = 400
_STREETS = ("Maple", "Oak", "Cedar", "Pine", "Elm", "Lake", "Hill", "Park", "Church", "River")
_FIRST_BIRTH = date(1930, 1, 1)
_DAYS = 34_000


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    given: str
    family: str
    sex: str
    born: date
    ssn: str | None
    house: int
    street: str
    code: str
    phone: str


def person(seed: int, number: int) -> Person:
    rng = Random(f"{seed}/{number}")  # noqa: S311 - it has to repeat
    return Person(
        number=number,
        given=_pick("given", rng),
        family=_pick("family", rng),
        sex=rng.choice(("female", "male")),
        born=_FIRST_BIRTH + timedelta(days=rng.randrange(_DAYS)),
        ssn=f"{rng.randrange(100, 900)}{number % 10**6:06d}" if rng.random() < 0.8 else None,  # noqa: PLR2004
        house=rng.randrange(1, 3000),
        street=f"{rng.choice(_STREETS)}{rng.choice(('wood', 'view', 'side', ''))} Street",
        code=f"{10_000 + rng.randrange(_ZIPS):05d}",
        phone=f"{rng.randrange(200, 999)}{rng.randrange(200, 999)}{rng.randrange(10_000):04d}",
    )


def people(seed: int, start: int, stop: int) -> Iterator[tuple[str, str, PatientResource]]:
    """Records of these people: the source, the id there, and what it says."""
    for number in range(start, stop):
        one = person(seed, number)
        home = SOURCES[number % len(SOURCES)]
        yield home, str(number), record(one, str(number))
        if number % TWICE == 0:
            again = miswritten(one, Random(f"{seed}/again/{number}"))  # noqa: S311 - likewise
            yield SOURCES[(number + 1) % len(SOURCES)], str(number), record(again, str(number))


def miswritten(one: Person, rng: Random) -> Person:
    """The same person, as somebody else wrote it down."""
    match rng.randrange(5):
        case 0:
            at = rng.randrange(max(1, len(one.family) - 1))
            letters = list(one.family)
            letters[at : at + 2] = reversed(letters[at : at + 2])
            return replace(one, family="".join(letters))
        case 1:
            return replace(one, ssn=None)
        case 2:
            return replace(one, house=rng.randrange(1, 3000), phone=f"{rng.randrange(10**9):010d}")
        case 3:
            return replace(one, born=one.born + timedelta(days=1))
        case _:
            return one


def record(one: Person, id_: str) -> PatientResource:
    wire = {
        "id": id_,
        "name": [{"family": one.family, "given": [one.given]}],
        "birthDate": one.born.isoformat(),
        "gender": one.sex,
        "telecom": [{"system": "phone", "value": one.phone}],
        "address": [{"line": [f"{one.house} {one.street}"], "postalCode": one.code}],
        "identifier": [{"system": SSN_SYSTEM, "value": one.ssn}] if one.ssn else [],
    }
    return msgspec.convert(wire, PatientResource)


def _pick(table: str, rng: Random) -> str:
    names, shares = _shares(table)
    return names[bisect(shares, rng.random() * shares[-1])]


@cache
def _shares(table: str) -> tuple[list[str], list[float]]:
    known = frequencies()
    shares = known.given if table == "given" else known.family
    return list(shares), list(accumulate(shares.values()))
