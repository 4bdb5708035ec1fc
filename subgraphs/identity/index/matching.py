"""Decide which records are of one person. A wrong link is far worse than a missed one.

Two records are linked when nothing speaks against it (`_contradicts`) and the points for what
agrees reach `LINK`. Without a common personal number that takes name, sex, birth date and one of
telephone, address or e-mail, all in agreement; a household has the latter in common, so the given
name and the birth date must then be the same, not merely alike. People grow out of links, the
surest first, and never to hold two records of one source or two that contradict each other. The
outcome depends on the set of records alone, not on the order they came in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from rapidfuzz.distance import OSA, JaroWinkler

from subgraphs.identity.index import names
from subgraphs.identity.model import PatientResource, is_ssn
from subgraphs.runtime.crosswalk import Link

LINK = 12.0
"""Points for a link. SSN, birth date and given name make 15; name and birth date alone 10.5."""
MARGIN = 2.0
"""How much better one of two contradicting candidates must be for either to be linked."""
MAX_BLOCK = 200
"""Records with one value in common beyond which it identifies nobody: a switchboard's number."""
_UNKNOWN_BIRTH_DATES = {"1900-01-01", "1901-01-01", "1970-01-01"}
_SIMILAR = 0.92
_LONG = 4


@dataclass(frozen=True, slots=True)
class Features:
    """What is compared of one record, brought to comparable form."""

    link: Link
    ssn: str | None
    birth_date: str | None
    sex: str | None
    given: frozenset[str]
    """First given names of all its names."""
    middle: frozenset[str]
    """Initials of further given names."""
    family: frozenset[str]
    suffixes: frozenset[str]
    phones: frozenset[str]
    emails: frozenset[str]
    addresses: frozenset[str]
    numbers: frozenset[str]
    """Other identifiers as `system|value`, such as a member number on an insurance card."""


def match(records: Mapping[Link, PatientResource]) -> list[frozenset[Link]]:
    """The people behind these records, each as the set of its records."""
    features = {link: extract(link, record) for link, record in sorted(records.items())}
    links = [
        (points, one, other)
        for one, other in _candidates(features.values())
        if (points := score(features[one], features[other])) >= LINK
    ]
    return _grow(features, _without_ambiguous(features, links))


def score(one: Features, other: Features) -> float:
    """Points for what agrees; 0 where something contradicts."""
    identified = _identified(one, other)
    if _contradicts(one, other, identified=identified):
        return 0.0
    points = 8.0 * (one.ssn is not None and one.ssn == other.ssn)
    points += 6.0 * bool(one.numbers & other.numbers)
    points += 4.0 if one.birth_date == other.birth_date else 1.0
    points += _given_points(one.given, other.given, identified=identified)
    points += _family_points(one.family, other.family)
    points += 3.0 * bool(one.phones & other.phones) + 3.0 * bool(one.addresses & other.addresses)
    points += 3.0 * bool(one.emails & other.emails)
    points += 0.5 * (one.sex is not None and one.sex == other.sex)
    return points


def extract(link: Link, record: PatientResource) -> Features:
    given = [[names.plain(part) for part in name.given if part] for name in record.name]
    families = {names.plain(name.family) for name in record.name} - {""}
    return Features(
        link=link,
        ssn=names.ssn(record.ssn),
        birth_date=_birth_date(record.birth_date),
        sex=record.gender if record.gender in ("male", "female") else None,
        given=frozenset(parts[0] for parts in given if parts) - {""},
        middle=frozenset(part[0] for parts in given for part in parts[1:] if part),
        family=frozenset(families),
        suffixes=_known(names.suffix(part) for name in record.name for part in name.suffix),
        phones=_known(names.phone(t.value) for t in record.telecom if t.system == "phone"),
        emails=_known((t.value or "").casefold() for t in record.telecom if t.system == "email"),
        addresses=_known(
            names.address(" ".join(part for part in a.line if part), a.postal_code)
            for a in record.address
        ),
        numbers=_known(
            f"{i.system}|{i.value}" if i.system and i.value and not is_ssn(i) else None
            for i in record.identifier
        ),
    )


def _contradicts(one: Features, other: Features, *, identified: bool) -> bool:
    """Whether something says that these are two people, whatever else agrees.

    `identified` says that a personal number, their own or that of a record between them, is the
    same: then names and birth dates may be merely alike.
    """
    if one.link.source == other.link.source:
        # A source that keeps two records means two people; should it not, that is its to mend.
        return True
    if _differ(one.ssn, other.ssn) or _differ(one.sex, other.sex):
        return True
    if _disjoint(one.suffixes, other.suffixes):
        return True
    if not _given_points(one.given, other.given, identified=identified):
        return True
    if not identified and _disjoint(one.middle, other.middle):
        return True
    return not _births_agree(one.birth_date, other.birth_date, identified=identified)


def _identified(one: Features, other: Features) -> bool:
    same_ssn = one.ssn is not None and one.ssn == other.ssn
    return same_ssn or bool(one.numbers & other.numbers)


def _given_points(one: frozenset[str], other: frozenset[str], *, identified: bool) -> float:
    if one & other:
        return 3.0
    pairs = [(a, b) for a in one for b in other]
    if any(names.are_forms_of_one_name(a, b) for a, b in pairs):
        return 2.0
    if identified and any(_alike(a, b) for a, b in pairs):
        # Not without a number: Maria and Marie may be twins.
        return 1.0
    return 0.0


def _family_points(one: frozenset[str], other: frozenset[str]) -> float:
    if one & other:
        return 3.0
    return 2.0 if any(_alike(a, b) for a in one for b in other) else 0.0


def _alike(one: str, other: str) -> bool:
    """One slip of the pen apart, or spelt by ear."""
    slip = min(len(one), len(other)) >= _LONG and OSA.distance(one, other) <= 1
    return slip or JaroWinkler.similarity(one, other) >= _SIMILAR


def _births_agree(one: str | None, other: str | None, *, identified: bool) -> bool:
    if one is None or other is None:
        return False
    if one == other:
        return True
    if not identified:
        return False
    # A slip of the pen: the neighbouring day, one digit, or day and month exchanged.
    days = abs((date.fromisoformat(one) - date.fromisoformat(other)).days)
    exchanged = one[:5] + one[8:] + one[4] + one[5:7] == other
    return days == 1 or OSA.distance(one, other) == 1 or exchanged


def _candidates(features: Iterable[Features]) -> list[tuple[Link, Link]]:
    """Pairs worth scoring: those with a number in common, or a birth date and a like name."""
    blocks: defaultdict[tuple[str, ...], set[Link]] = defaultdict(set)
    for record in features:
        for key in _block_keys(record):
            blocks[key].add(record.link)
    pairs = {
        pair
        for block in blocks.values()
        if len(block) <= MAX_BLOCK
        for pair in combinations(sorted(block), 2)
    }
    return sorted(pairs)


def _block_keys(record: Features) -> Iterable[tuple[str, ...]]:
    if record.ssn:
        yield ("ssn", record.ssn)
    for number in record.numbers:
        yield ("number", number)
    if record.birth_date:
        for family in record.family:
            yield ("family", record.birth_date, names.sounds(family))
        for given in record.given:
            for root in names.name_roots(given):
                yield ("given", record.birth_date, root)


def _without_ambiguous(
    features: Mapping[Link, Features], links: list[tuple[float, Link, Link]]
) -> list[tuple[float, Link, Link]]:
    """Leave out links of a record that fits two contradicting ones about equally well."""
    rivals: defaultdict[Link, list[tuple[float, Link]]] = defaultdict(list)
    for points, one, other in links:
        rivals[one].append((points, other))
        rivals[other].append((points, one))

    def is_ambiguous(points: float, record: Link, chosen: Link) -> bool:
        return any(
            rival != chosen
            and points - rival_points < MARGIN
            and _contradicts(features[chosen], features[rival], identified=True)
            for rival_points, rival in rivals[record]
        )

    return [
        (points, one, other)
        for points, one, other in links
        if not is_ambiguous(points, one, other) and not is_ambiguous(points, other, one)
    ]


def _grow(
    features: Mapping[Link, Features], links: list[tuple[float, Link, Link]]
) -> list[frozenset[Link]]:
    people: dict[Link, frozenset[Link]] = {link: frozenset([link]) for link in features}
    for _, one, other in sorted(links, key=lambda link: (-link[0], link[1], link[2])):
        if people[one] is people[other]:
            continue
        if any(
            _contradicts(features[a], features[b], identified=True)
            for a in people[one]
            for b in people[other]
        ):
            continue
        joined = people[one] | people[other]
        people |= dict.fromkeys(joined, joined)
    return sorted(set(people.values()), key=min)


def _birth_date(text: str | None) -> str | None:
    """A whole date, unless it is what is typed when nobody knows."""
    try:
        return None if text in _UNKNOWN_BIRTH_DATES else date.fromisoformat(text or "").isoformat()
    except ValueError:
        return None


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _disjoint(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one) and bool(other) and not one & other


def _known(values: Iterable[str | None]) -> frozenset[str]:
    return frozenset(value for value in values if value)
