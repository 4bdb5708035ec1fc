"""Households of made-up people, and how careless clerks write them down: a model of our own.

FEBRL knows no families. Here are twins with numbers one apart, newborn twins without a name, a son
of his father's name in one home, brothers and sisters, namesakes of one birthday in one town,
children registered with a parent's number; and records with other mistakes than FEBRL's: keys next
to each other, letters misread, nicknames, names exchanged, moves, marriages, much that is missing.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from subgraphs.identity.index.features import Features, extract
from subgraphs.identity.index.frequencies import frequencies
from subgraphs.identity.index.names import nicknames
from subgraphs.identity.model import SSN_SYSTEM, PatientResource

_Shares: TypeAlias = tuple[list[str], list[float]]


def _shares(of: Mapping[str, float]) -> _Shares:
    return list(of), list(accumulate(of.values()))


_FAMILY: Final = _shares(frequencies().family)
_GIVEN: Final = _shares(frequencies().given)
SOURCES: Final = ("north", "south", "west")
_TOWNS: Final = tuple(
    (f"{name}{end}", f"{10_000 + 37 * at:05d}")
    for at, (name, end) in enumerate(
        (name, end)
        for name in ("Ash", "Bel", "Clay", "Dun", "Elm", "Fair", "Glen", "Hart")
        for end in ("field", "ton", "wood", "port", "ville")
    )
)
_STREETS: Final = (
    "Maple", "Oak", "Cedar", "Pine", "Lake", "Hill", "Park", "Church", "Mill", "High",
)  # fmt: skip
_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_MISREAD: Final = {"rn": "m", "m": "rn", "cl": "d", "d": "cl", "vv": "w", "i": "l", "l": "i"}

NEWBORN: Final = "newborn"
"""Twins the hospital has neither names nor numbers for."""


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    kin: str
    """What makes another person look like this one: `twin`, `junior`, `namesake`, …"""
    given: str
    middle: str
    family: str
    sex: str
    born: date
    ssn: int
    house: int
    street: str
    town: int
    phone: str
    suffix: str | None = None
    borrowed: int | None = None
    """The number somebody else in the household is registered with."""


AS_PEOPLE_ARE: Final[Mapping[str, float]] = {
    "none": 34.5, "child": 25, "siblings": 34, "twins": 3, "newborns": 0.5, "junior": 2,
    "number": 1,
}  # fmt: skip
"""Who else lives in a hundred households; namesakes there are as many as chance makes."""
LOOKALIKES: Final[Mapping[str, float]] = dict.fromkeys(
    ("siblings", "twins", "newborns", "junior", "number", "namesake"), 1.0
)
"""Every household has somebody who is easily taken for somebody else."""


def households(
    seed: int, count: int, kinds: Mapping[str, float]
) -> tuple[dict[str, Features], dict[str, Person]]:
    """Records of so many households by key, and who each is of."""
    rng = Random(f"households/{seed}")  # noqa: S311 - it has to repeat
    records: dict[str, Features] = {}
    who: dict[str, Person] = {}
    for person in _people(rng, count, kinds):
        known_to = rng.sample(SOURCES, rng.choice((1, 2, 2, 3)))
        for source in known_to:
            written = _write(person, rng) if source != known_to[0] else person
            key = f"{source}/{person.number}"
            records[key] = extract(source, _resource(written, rng))
            who[key] = person
    return records, who


def _people(rng: Random, count: int, kinds: Mapping[str, float]) -> Iterator[Person]:
    number = 0

    def people(*found: Person) -> Iterator[Person]:
        nonlocal number
        for person in found:
            yield replace(person, number=number)
            number += 1

    for _ in range(count):
        home = _adult(rng)
        sex = "female" if home.sex == "male" else "male"
        spouse = replace(_adult(rng), **_home(home), sex=sex, given=_given(rng))
        yield from people(home, spouse)
        child = _child(home, rng)
        match rng.choices(list(kinds), list(kinds.values()))[0]:
            case "child":
                yield from people(child)
            case "siblings":
                younger = _child(home, rng)
                yield from people(replace(child, kin="sibling"), replace(younger, kin="sibling"))
            case "twins" | "newborns" as kind:
                yield from people(*_born_together(child, kind, rng))
            case "junior":
                yield from people(_junior(home, child, rng))
            case "namesake":
                other = replace(
                    _adult(rng), given=home.given, family=home.family, born=home.born, sex=home.sex
                )
                # In one town, or anywhere.
                town = home.town if rng.random() < 0.5 else other.town  # noqa: PLR2004
                yield from people(replace(other, town=town, kin="namesake"))
            case "number":
                yield from people(replace(child, borrowed=home.ssn, kin="parent's number"))
            case _:
                pass


def _adult(rng: Random) -> Person:
    return Person(
        number=0,
        kin="",
        given=_given(rng),
        middle=rng.choice("ABCDEFGHJKLMNPRSTW"),
        family=_pick(_FAMILY, rng),
        sex=rng.choice(("female", "male")),
        born=date(1935, 1, 1) + timedelta(days=rng.randrange(22_000)),
        ssn=rng.randrange(100_000_000, 899_999_900),
        house=rng.randrange(1, 400),
        street=f"{rng.choice(_STREETS)} {rng.choice(('Street', 'Avenue', 'Road', 'Lane'))}",
        town=rng.randrange(len(_TOWNS)),
        phone=_phone(rng),
    )


def _child(parent: Person, rng: Random) -> Person:
    born = parent.born + timedelta(days=rng.randrange(7_000, 13_000))
    own = rng.random() < 0.5  # noqa: PLR2004
    phone = _phone(rng) if own else parent.phone
    return replace(_adult(rng), **_home(parent), born=born, phone=phone)


def _born_together(child: Person, kind: str, rng: Random) -> tuple[Person, Person]:
    if kind == "newborns":
        unnamed = replace(child, given="", middle="", kin=NEWBORN)
        return unnamed, replace(unnamed, sex=_adult(rng).sex)
    taken = nicknames(child.given)
    drawn = iter(lambda: _given(rng), "")
    name = next(n for n in drawn if n[0] != child.given[0] and n not in taken)
    # Numbers asked for together are given out one after the other.
    middle, ssn = rng.choice("ABCDEJLMRST"), child.ssn + 1
    return replace(child, kin="twin"), replace(
        child, given=name, middle=middle, ssn=ssn, kin="twin"
    )


def _junior(parent: Person, child: Person, rng: Random) -> Person:
    suffix = "Jr" if rng.random() < 0.6 else None  # noqa: PLR2004
    return replace(child, given=parent.given, sex=parent.sex, suffix=suffix, kin="junior")


def _home(one: Person) -> dict[str, Any]:
    return {"family": one.family, "house": one.house, "street": one.street, "town": one.town}


def _write(person: Person, rng: Random) -> Person:
    """The person as another clerk wrote them down: on average a little more than one mistake."""
    for mistake, share in _MISTAKES:
        if rng.random() < share:
            person = mistake(person, rng)
    return person


def _nickname(person: Person, rng: Random) -> Person:
    names = sorted(nicknames(person.given))
    return replace(person, given=rng.choice(names)) if names else person


def _typo(person: Person, rng: Random) -> Person:
    match rng.randrange(3):
        case 0:
            return replace(person, given=_mistype(person.given, rng))
        case 1:
            return replace(person, family=_mistype(person.family, rng))
        case _:
            return replace(person, street=_mistype(person.street.lower(), rng))


def _mistype(text: str, rng: Random) -> str:
    if not text:
        return text
    at = rng.randrange(len(text))
    match rng.randrange(5):
        case 0:
            return text[:at] + text[at + 1 :] or text
        case 1:
            return text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        case 2:
            return text[:at] + text[at] + text[at:]
        case 3:
            row = next((keys for keys in _KEYS if text[at] in keys), text[at])
            return text[:at] + row[max(0, row.index(text[at]) - 1)] + text[at + 1 :]
        case _:
            found = [old for old in _MISREAD if old in text]
            return text.replace(old := rng.choice(found), _MISREAD[old], 1) if found else text


def _birth(person: Person, rng: Random) -> Person:
    born = person.born
    match rng.randrange(3):
        case 0 if born.day <= 12:  # noqa: PLR2004
            born = born.replace(month=born.day, day=born.month)
        case 1:
            born += timedelta(days=rng.choice((-10, -1, 1, 10)))
        case _:
            born = born.replace(
                year=born.year + rng.choice((-10, -1, 1, 10)), day=min(born.day, 28)
            )
    return replace(person, born=born)


def _number(person: Person, rng: Random) -> Person:
    digits = list(str(person.ssn))
    digits[rng.randrange(9)] = str(rng.randrange(10))
    return replace(person, ssn=int("".join(digits)))


def _move(person: Person, rng: Random) -> Person:
    new = _adult(rng)
    phone = new.phone if rng.random() < 0.3 else person.phone  # noqa: PLR2004
    town = person.town if rng.random() < 0.5 else new.town  # noqa: PLR2004
    return replace(person, house=new.house, street=new.street, town=town, phone=phone)


_MISTAKES: Final[tuple[tuple[Callable[[Person, Random], Person], float], ...]] = (
    (_nickname, 0.1),
    (_typo, 0.15),
    (lambda person, _: replace(person, given=person.family, family=person.given), 0.02),
    (_birth, 0.03),
    (_number, 0.03),
    (lambda person, rng: replace(person, ssn=rng.randrange(100_000_000, 899_999_999)), 0.01),
    (_move, 0.15),
    (lambda person, rng: replace(person, phone=_phone(rng)), 0.15),
    (lambda person, rng: replace(person, family=_pick(_FAMILY, rng)), 0.04),
    (lambda person, _: replace(person, given=person.middle), 0.01),
)


def _resource(one: Person, rng: Random) -> PatientResource:
    """Of each thing a record may lack, some do."""

    def told(value: Any, share: float) -> Any:
        return value if rng.random() < share else None

    city, code = _TOWNS[one.town]
    ssn = f"{one.borrowed or one.ssn:09d}"
    numbered = 0.0 if one.kin == NEWBORN else 0.6
    wire = {
        "id": str(one.number),
        "name": [
            {
                "family": one.family,
                "given": [one.given, *filter(None, [told(one.middle, 0.4)])],
                "suffix": [one.suffix] if one.suffix else [],
            }
        ],
        "birthDate": told(one.born.isoformat(), 0.98),
        "gender": told(one.sex, 0.95),
        "telecom": [{"system": "phone", "value": told(one.phone, 0.7)}],
        "address": [
            {
                "line": [told(f"{one.house} {one.street}", 0.9)],
                "city": city,
                "postalCode": told(code, 0.9),
            }
        ],
        "identifier": [
            {"system": SSN_SYSTEM, "value": told(rng.choice((ssn, ssn, ssn, ssn[-4:])), numbered)}
        ],
    }
    return msgspec.convert(wire, PatientResource)


def _phone(rng: Random) -> str:
    return f"{rng.randrange(200, 999)}{rng.randrange(200, 999)}{rng.randrange(10_000):04d}"


def _given(rng: Random) -> str:
    return _pick(_GIVEN, rng)


def _pick(table: _Shares, rng: Random) -> str:
    names, shares = table
    return names[bisect(shares, rng.random() * shares[-1])]
