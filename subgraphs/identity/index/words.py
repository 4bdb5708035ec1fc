"""The words a person is found by, and those a search asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from subgraphs.identity.index import names
from subgraphs.identity.model import PatientResource

MIN_PREFIX = 2
MAX_PREFIX = 12
MAX_WORDS = 8
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def words_of(record: PatientResource) -> set[str]:
    """Every beginning of every name, and the birth date."""
    parts: list[str | None] = []
    for name in record.name:
        parts += [name.family, *name.given]
    found = {prefix for part in parts for word in names.words(part) for prefix in _prefixes(word)}
    return found | ({f"born:{record.birth_date}"} if record.birth_date else set())


def words_asked(text: str) -> frozenset[str] | None:
    """The words of a search, all of which must fit; None when it asks for nothing findable.

    `alder jo 1968-03-14`: beginnings of names and a birth date, in any order.
    """
    dates = _DATE.findall(text)
    rest = names.words(_DATE.sub(" ", text))
    if not dates and not rest:
        return None
    if len(dates) + len(rest) > MAX_WORDS or any(len(word) < MIN_PREFIX for word in rest):
        return None
    return frozenset([f"born:{date}" for date in dates] + [word[:MAX_PREFIX] for word in rest])


def _prefixes(word: str) -> Iterable[str]:
    ends = range(MIN_PREFIX, min(len(word), MAX_PREFIX) + 1)
    return [word[:end] for end in ends] or [word]
