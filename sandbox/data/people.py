"""The people, and how each source happens to have written them down.

Who they are depends on the seed alone, not on the day: birthdays and identifiers stay put while
the charts move along with the calendar. All telephone numbers are 555-01xx, all social security
numbers begin with 999, which nobody's does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from sandbox.data.seeds import stream


class Variation(StrEnum):
    """How a second source's record of one person differs from the first's."""

    NICKNAME = "nickname"
    TYPO = "typo"
    MOVED = "moved"
    NO_SSN = "no-ssn"
    NEW_PHONE = "new-phone"
    MARRIED = "married"
    BIRTHDATE_SLIP = "birthdate-slip"


class Likeness(StrEnum):
    """Why two different people look like one."""

    NAMESAKES = "namesakes"  # one name, one birthday
    JUNIOR = "junior"  # father and son: one name, one home
    TWINS = "twins"  # one birthday, one home


@dataclass(frozen=True, slots=True)
class City:
    name: str
    state: str
    zip: str
    area: str


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    gender: str
    given: str
    nickname: str
    middle: str
    family: str
    birth_date: date
    ssn: str | None
    street: str
    city: City
    phone: str
    suffix: str | None = None
    deceased: bool = False

    @property
    def age(self) -> int:
        """Roughly, in the reference year."""
        return _REFERENCE_YEAR - self.birth_date.year


@dataclass(frozen=True, slots=True)
class Lookalikes:
    likeness: Likeness
    people: tuple[Person, Person]


def make_people(seed: int, count: int) -> list[Person]:
    people = [_person(stream(seed, "person", number), number) for number in range(count)]
    # The patient persona: old enough for a chart worth looking at.
    people[0] = replace(people[0], birth_date=date(1968, 3, 14))
    return [replace(person, deceased=person.number % 32 == _DEAD) for person in people]


def make_lookalikes(seed: int, first_number: int) -> list[Lookalikes]:
    """Two pairs of each likeness, numbered from `first_number` on."""
    pairs = []
    number = first_number
    for likeness in Likeness:
        for _ in range(2):
            one = _person(stream(seed, "person", number), number)
            other = _person(stream(seed, "person", number + 1), number + 1)
            pairs.append(Lookalikes(likeness, _alike(likeness, one, other)))
            number += 2
    return pairs


def make_guardian(seed: int, child: Person) -> Person:
    """The parent a child lives with."""
    adult = _person(stream(seed, "guardian", child.number), child.number)
    born = date(child.birth_date.year - 30, adult.birth_date.month, adult.birth_date.day)
    return _at_home(replace(adult, birth_date=born), child)


def vary(person: Person, variation: Variation, rng: Random) -> Person:  # noqa: PLR0911 - one case each
    match variation:
        case Variation.NICKNAME:
            return replace(person, given=person.nickname)
        case Variation.TYPO:
            name = person.family
            return replace(person, family=name[:1] + name[2] + name[1] + name[3:])
        case Variation.MOVED:
            others = [city for city in _CITIES if city != person.city]
            return replace(person, street=_street(rng), city=rng.choice(others))
        case Variation.NO_SSN:
            return replace(person, ssn=None)
        case Variation.NEW_PHONE:
            return replace(person, phone=_phone(rng, person.city))
        case Variation.MARRIED:
            return replace(person, family=rng.choice([n for n in _FAMILY if n != person.family]))
        case Variation.BIRTHDATE_SLIP:
            return replace(person, birth_date=person.birth_date + timedelta(days=1))


def _alike(likeness: Likeness, one: Person, other: Person) -> tuple[Person, Person]:
    match likeness:
        case Likeness.NAMESAKES:
            return one, replace(
                other,
                gender=one.gender,
                given=one.given,
                nickname=one.nickname,
                family=one.family,
                birth_date=one.birth_date,
            )
        case Likeness.JUNIOR:
            given, nickname = _GIVEN["male"][one.number % len(_GIVEN["male"])]
            born = date(1961, one.birth_date.month, one.birth_date.day)
            father = replace(
                one, gender="male", given=given, nickname=nickname, birth_date=born, suffix="Sr."
            )
            son = _at_home(replace(other, gender="male"), father)
            born = date(1988, other.birth_date.month, other.birth_date.day)
            return father, replace(
                son, given=given, nickname=nickname, birth_date=born, suffix="Jr."
            )
        case Likeness.TWINS:
            names = [name for name in _GIVEN[one.gender] if name[0] != one.given]
            given, nickname = names[one.number % len(names)]
            twin = _at_home(replace(other, gender=one.gender), one)
            return one, replace(twin, given=given, nickname=nickname, birth_date=one.birth_date)


def _at_home(person: Person, other: Person) -> Person:
    return replace(
        person, family=other.family, street=other.street, city=other.city, phone=other.phone
    )


def _person(rng: Random, number: int) -> Person:
    gender = rng.choice(("female", "male"))
    given, nickname = rng.choice(_GIVEN[gender])
    age = rng.choice((8, 16, 24, 33, 41, 47, 52, 58, 63, 67, 72, 79, 86)) + rng.randint(-2, 2)
    city = rng.choice(_CITIES)
    return Person(
        number=number,
        gender=gender,
        given=given,
        nickname=nickname,
        middle=rng.choice("ABCDEGHJLMNPRST"),
        family=rng.choice(_FAMILY),
        birth_date=date(_REFERENCE_YEAR - age, rng.randint(1, 12), rng.randint(1, 27)),
        ssn=f"999-{rng.randint(10, 99)}-{1000 + number:04d}",
        street=_street(rng),
        city=city,
        phone=_phone(rng, city),
    )


def _street(rng: Random) -> str:
    return f"{rng.randint(11, 989)} {rng.choice(_STREETS)} {rng.choice(_ROADS)}"


def _phone(rng: Random, city: City) -> str:
    return f"{city.area}-555-01{rng.randint(0, 99):02d}"


_REFERENCE_YEAR = 2026
_DEAD = 22  # of each thirty-two
_FAMILY: Sequence[str] = (
    "Alder", "Bennett", "Castillo", "Dorsey", "Ekwueme", "Fontaine", "Greer", "Hollis", "Iyer",
    "Jansen", "Kowalski", "Larkin", "Mbeki", "Novak", "Okafor", "Pruitt", "Quint", "Rivera",
    "Sato", "Tranberg", "Underhill", "Varga", "Whitlock", "Xiong", "Yates", "Zeller",
)  # fmt: skip
_GIVEN = {
    "female": (
        ("Katharine", "Kathy"), ("Elizabeth", "Beth"), ("Susanna", "Sue"), ("Margaret", "Peggy"),
        ("Josephine", "Jo"), ("Eleanor", "Nora"), ("Dorothea", "Dora"), ("Alexandra", "Sandra"),
        ("Theresa", "Tess"), ("Victoria", "Vicky"), ("Abigail", "Abby"), ("Gabriela", "Gaby"),
        ("Jacqueline", "Jackie"), ("Rebecca", "Becky"),
    ),
    "male": (
        ("Kenneth", "Ken"), ("Benjamin", "Ben"), ("Matthias", "Matt"), ("Theodore", "Ted"),
        ("Frederick", "Fred"), ("Alexander", "Alex"), ("Nathaniel", "Nate"), ("Edward", "Ned"),
        ("Jonathan", "Jon"), ("Christopher", "Kit"), ("Samuel", "Sam"), ("Vincent", "Vince"),
        ("Leonard", "Leo"), ("Raymond", "Ray"),
    ),
}  # fmt: skip
_CITIES: Sequence[City] = (
    City("Springfield", "IL", "62701", "217"),
    City("Dayton", "OH", "45402", "937"),
    City("Tucson", "AZ", "85701", "520"),
    City("Albany", "NY", "12207", "518"),
    City("Boise", "ID", "83702", "208"),
)
_STREETS: Sequence[str] = ("Maple", "Cedar", "Juniper", "Linden", "Alder", "Chestnut")
_ROADS: Sequence[str] = ("Street", "Avenue", "Lane", "Court")
