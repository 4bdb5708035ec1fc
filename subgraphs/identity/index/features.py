"""What of a record is compared, brought to comparable form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from subgraphs.identity.index import names
from subgraphs.identity.model import PatientResource, is_ssn
from subgraphs.runtime import fhir

ItemT = TypeVar("ItemT")


class Home(msgspec.Struct, frozen=True, array_like=True):
    """An address: `12`, `maple st`, `62701`, `springfield`; parts unknown are empty."""

    house: str
    street: str
    code: str
    city: str


class Features(msgspec.Struct, frozen=True, array_like=True):
    """Of one record; a placeholder counts as unknown."""

    source: str
    ssn: str | None = None
    last: str | None = None
    """The last four digits of the social security number, where they are all there is."""
    birth_date: str | None = None
    sex: str | None = None
    given: tuple[str, ...] = ()
    """First given names of all its names."""
    middle: tuple[str, ...] = ()
    """Initials of further given names."""
    family: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    homes: tuple[Home, ...] = ()
    numbers: tuple[str, ...] = ()
    """Other identifiers as `system|value`, such as a member number on an insurance card."""


def extract(source: str, record: PatientResource) -> Features:
    given = [[part for part in name.given if part] for name in record.name]
    number = names.ssn(record.ssn)
    return Features(
        source=source,
        ssn=number,
        last=None if number else names.last_digits(record.ssn),
        birth_date=names.birth_date(record.birth_date),
        sex=record.gender if record.gender in ("male", "female") else None,
        given=_known(names.known(parts[0]) for parts in given if parts),
        middle=_known((names.known(p) or "")[:1] for parts in given for p in parts[1:]),
        family=_known(names.known(name.family) for name in record.name),
        suffixes=_known(names.suffix(part) for name in record.name for part in name.suffix),
        phones=_known(names.phone(t.value) for t in record.telecom if t.system == "phone"),
        emails=_known((t.value or "").casefold() for t in record.telecom if t.system == "email"),
        homes=_known(_home(address) for address in record.address),
        numbers=_known(
            f"{i.system}|{i.value}" if i.system and i.value and not is_ssn(i) else None
            for i in record.identifier
        ),
    )


def _home(address: fhir.Address) -> Home | None:
    house, street = names.street(" ".join(part for part in address.line if part))
    home = Home(house, street, names.postal_code(address.postal_code), names.plain(address.city))
    return home if home.street or home.code or home.city else None


def _known(values: Iterable[ItemT | None]) -> tuple[ItemT, ...]:
    """Each once, in an order that does not depend on the record's."""
    told = {value for value in values if value}
    return tuple(sorted(told, key=repr) if len(told) > 1 else told)
