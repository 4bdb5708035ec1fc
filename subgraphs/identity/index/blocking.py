"""Which records are worth comparing: those with a key in common.

A key that too many share identifies nobody (a switchboard's number) and is passed over; the pairs
it would have brought together still meet by a finer key, such as all of name and birth date.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

from subgraphs.identity.index import names
from subgraphs.identity.index.features import Features, Home

MAX_BLOCK: Final = 60
"""Records with one key beyond which it is passed over: it bounds what one match can cost."""
_BEGINNING = 5


def block_keys(record: Features) -> Iterator[str]:
    """Keys of a record; each begins with its kind, so that no two kinds meet."""
    families = {names.sounds(family) for family in record.family}
    heard = {names.sounds(given) for given in record.given}
    yield from _of_numbers(record)
    if record.ssn:
        # A number mistyped towards its end still brings together whoever has one of the names.
        for name in families | heard:
            yield f"begins {record.ssn[:_BEGINNING]} {name}"
    if record.birth_date:
        yield from _of_birth(record, families, heard)
    for home in record.homes:
        code = _place(home)
        if home.house and home.code:
            yield f"home {code} {home.house}"
        for pair in product(families, heard):
            yield " ".join(["place", code, *sorted(pair)])


def _of_numbers(record: Features) -> Iterator[str]:
    if record.ssn:
        yield f"ssn {record.ssn}"
    for number in record.numbers:
        yield f"number {number}"
    for email in record.emails:
        yield f"email {email}"
    for phone in record.phones:
        yield f"phone {phone}"


def _of_birth(record: Features, families: set[str], heard: set[str]) -> Iterator[str]:
    born = f"born {record.birth_date}"
    # A name that stands in the other's place meets itself here.
    for name in families | heard:
        yield f"{born} {name}"
    givens = {root for given in record.given for root in names.name_roots(given)}
    for family, given in product(families, givens):
        yield f"{born} {family} {given}"
    if last := record.last or (record.ssn or "")[-4:]:
        yield f"{born} {last}"
    for home in record.homes:
        if home.house:
            yield f"{born} at {home.house}"
        if home.code:
            # Whatever else is misspelt: of one day there are few in one place.
            yield f"{born} in {_place(home)}"


def _place(home: Home) -> str:
    """Sorted, since two digits of a postal code are easily exchanged."""
    return "".join(sorted(home.code))
