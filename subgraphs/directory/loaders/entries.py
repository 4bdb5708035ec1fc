"""How entries are found: all that a request looks for, together.

Records are read by their ids, one call for each source and type. Whoever has a National Provider
Identifier is then looked for by it in every source, once more one call each, so that a node is the
same and has every provenance whichever record led to it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, NamedTuple, TypeAlias

from subgraphs.directory.kinds import LOCATIONS, ORGANIZATIONS, PRACTITIONERS, ROLES
from subgraphs.directory.model import Location, Organization, Practitioner, PractitionerRole
from subgraphs.directory.sources import DirectorySource, SharedT, TeamSource
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.entries import Entry, entry_of
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.gathering import Answer, Ask, Gathered, Record, gather
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.npi import NPI, is_npi
from subgraphs.runtime.parties import PartyRef
from subgraphs.runtime.request import Request


@dataclass(frozen=True, slots=True)
class Directory:
    """The subgraph's own services, by the id of the source."""

    sources: Mapping[str, DirectorySource]
    teams: Mapping[str, TeamSource]


class Sought(NamedTuple):
    """Someone or something to be found: in a source, by an NPI in all of them, or by both."""

    source: str = ""
    id: str | None = None
    token: str | None = None
    """An identifier in that source, `system|value`."""
    npi: str | None = None


@dataclass(frozen=True, slots=True)
class Listed(Generic[SharedT]):
    """A type of entries."""

    kind: Kind[SharedT]
    model: type[SharedT]


PRACTITIONER: Final = Listed(PRACTITIONERS, Practitioner)
ROLE: Final = Listed(ROLES, PractitionerRole)
ORGANIZATION: Final = Listed(ORGANIZATIONS, Organization)
LOCATION: Final = Listed(LOCATIONS, Location)

Found: TypeAlias = Gathered[Record[SharedT]]


def by_npi(number: str) -> Sought | None:
    """None for a number that is none: it is looked for nowhere."""
    return Sought(npi=number) if is_npi(number) else None


def by_ref(request: Request[Directory], ref: PartyRef | None) -> Sought | None:
    """What a record's reference means: a literal one only below a URL of a source of ours."""
    if ref is None:
        return None
    if ref.system == NPI and ref.value is not None:
        return by_npi(ref.value)
    if ref.url is None:
        return Sought(ref.source, token=f"{ref.system}|{ref.value}")
    id_ = Reference(reference=ref.url).id_of(ref.type)
    if id_ is None:
        return None
    if "://" not in ref.url:
        return Sought(ref.source, id_)
    bases = ((name, source.base) for name, source in request.services.sources.items())
    owner = next((name for name, base in bases if ref.url.startswith(f"{base}/{ref.type}/")), None)
    return Sought(owner, id_) if owner else None


def by_id(request: Request[Directory], type_: str, sealed: object) -> Sought | None:
    """An id that tells the NPI too finds the others while its own source is down."""
    ref = request.open(type_, sealed)
    return None if ref is None else Sought(ref.source, ref.id, npi=ref.patient or None)


async def load_entry(
    request: Request[Directory], listed: Listed[SharedT], sought: Sought | None
) -> Entry[SharedT] | None:
    """None for whoever is unknown, or not the caller's to see.

    `SourcesDownError` where a source that may know did not answer.
    """
    if sought is None or not request.access.may_read_shared(listed.kind.type):
        return None

    async def batch(keys: list[Sought]) -> list[Found[SharedT]]:
        return await _find(request, listed, keys)

    found = await request.load(listed.kind.type, batch, sought)
    if not found.rows:
        for report in found.sources:
            found.or_raise(report.source)
        return None
    return entry_of(
        request, listed.kind, _entry_id(request, listed.kind.type, found.rows), found.rows
    )


async def load_roles(
    request: Request[Directory], practitioner: Entry[Practitioner]
) -> list[Entry[PractitionerRole]]:
    """The roles that every source of a practitioner knows; `SourcesDownError` where one fails."""
    if not request.access.may_read_shared(ROLES.type):
        return []
    ask: dict[str, Ask[PractitionerRole]] = {
        name: source.roles_of for name, source in request.services.sources.items()
    }

    async def batch(keys: list[tuple[Link, ...]]) -> list[Found[PractitionerRole]]:
        return await gather(keys, ask, request.subgraph.now)

    found = await request.load("roles", batch, links_of(practitioner))
    for report in found.sources:
        found.or_raise(report.source)
    entries = (
        entry_of(request, ROLES, seal(request, ROLES.type, record), [record])
        for record in found.rows
    )
    return [entry for entry in entries if entry is not None]


def links_of(entry: Entry[SharedT]) -> tuple[Link, ...]:
    """Every source's record of it."""
    return tuple(Link(record.source, record.resource.id) for record in entry.records)


async def _find(
    request: Request[Directory], listed: Listed[SharedT], keys: Sequence[Sought]
) -> list[Found[SharedT]]:
    sources, now = request.services.sources, request.subgraph.now
    reading: dict[str, Ask[SharedT]] = {
        name: partial(_read, source, listed.model) for name, source in sources.items()
    }
    searching = _searching(request, listed)
    read, identified, by_number = await asyncio.gather(
        gather([_at_home(key, key.id) for key in keys], reading, now),
        gather([_at_home(key, key.token) for key in keys], searching, now),
        asyncio.gather(*(_known_by(request, listed, key.npi) for key in keys)),
    )
    found = [_meant(*each) for each in zip(keys, read, identified, by_number, strict=True)]
    numbers = [_npi_of(each) for each in found]
    # Whoever was found by their number was looked for by it already.
    new = [None if n == key.npi else n for key, n in zip(keys, numbers, strict=True)]
    others = await asyncio.gather(*(_known_by(request, listed, number) for number in new))
    return [
        Gathered((*one.rows, *_with_npi(number, other, one.rows)), one.sources)
        for one, other, number in zip(found, others, numbers, strict=True)
    ]


async def _known_by(
    request: Request[Directory], listed: Listed[SharedT], number: str | None
) -> Found[SharedT]:
    """Whoever has a number in any source: looked for once in a request, whoever leads to it."""
    if number is None:
        return Gathered()
    searching = _searching(request, listed)

    async def batch(numbers: list[str]) -> list[Found[SharedT]]:
        everywhere = [tuple(Link(name, f"{NPI}|{each}") for name in searching) for each in numbers]
        return await gather(everywhere, searching, request.subgraph.now)

    return await request.load((listed.kind.type, "npi"), batch, number)


def _searching(request: Request[Directory], listed: Listed[SharedT]) -> dict[str, Ask[SharedT]]:
    sources = request.services.sources
    return {name: partial(_identified, source, listed.model) for name, source in sources.items()}


def _meant(
    key: Sought, read: Found[SharedT], identified: Found[SharedT], by_number: Found[SharedT]
) -> Found[SharedT]:
    """Whom a key means among those found: nobody, where its identifier is that of several.

    A record's own number counts for more than the one it was known by when its id was given out.
    """
    named = identified.rows if len(identified.rows) == 1 else ()
    number = _npi_of(read) if read.rows else key.npi
    same = _with_npi(number, by_number, read.rows)
    reports = (*read.sources, *identified.sources, *by_number.sources)
    return Gathered((*read.rows, *named, *same), reports)


async def _read(
    source: DirectorySource, model: type[SharedT], ids: Sequence[str]
) -> Answer[SharedT]:
    return await source.read(model, ids)


async def _identified(
    source: DirectorySource, model: type[SharedT], tokens: Sequence[str]
) -> Answer[SharedT]:
    return await source.identified(model, tokens)


def _at_home(key: Sought, name: str | None) -> tuple[Link, ...]:
    return () if name is None else (Link(key.source, name),)


def _npi_of(found: Found[SharedT]) -> str | None:
    return next((r.resource.npi for r in found.rows if r.resource.npi), None)


def _with_npi(
    number: str | None, found: Found[SharedT], own: Sequence[Record[SharedT]] = ()
) -> tuple[Record[SharedT], ...]:
    """Those whose only NPI it is: no upstream is trusted to have searched as asked.

    A source that gives one number to two of different names has mistaken one of them, and nobody
    can tell which: there the number makes nobody one with `own` or with another source's record.
    """
    rows = [r for r in found.rows if number and r.resource.npi == number]
    names: defaultdict[str, set[str]] = defaultdict(set)
    for record in (*rows, *own):
        names[record.source].add((record.resource.known_as or "").casefold())
    if any(len(names[record.source]) > 1 for record in own):
        return ()
    return tuple(record for record in rows if len(names[record.source]) == 1)


def _entry_id(request: Request[Directory], type_: str, records: Sequence[Record[SharedT]]) -> str:
    first = min(records, key=lambda record: (record.source, record.resource.id))
    return seal(request, type_, first)


def seal(request: Request[Directory], type_: str, record: Record[SharedT]) -> str:
    number = record.resource.npi or ""
    return request.seal(type_, record.source, record.resource.id, number)
