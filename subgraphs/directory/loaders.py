"""How entries are found: all that a request looks for, together.

Records are read by their ids, one call for each source and type. Whoever has a National Provider
Identifier is then looked for by it in every source, once more one call each, so that a node is the
same and has every provenance whichever record led to it.
"""

from __future__ import annotations

import asyncio
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
from subgraphs.runtime.parties import PartyRef, party_ref
from subgraphs.runtime.request import Request
from subgraphs.runtime.sealing import RecordRef

EVERYWHERE: Final = ""
"""In place of a source: whichever knows an NPI."""


@dataclass(frozen=True, slots=True)
class Directory:
    """The subgraph's own services, by the id of the source."""

    sources: Mapping[str, DirectorySource]
    teams: Mapping[str, TeamSource]


class Sought(NamedTuple):
    """Someone or something to be found: by its id in a source, or by an identifier."""

    source: str
    id: str | None = None
    token: str | None = None
    """`system|value`"""


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
    return Sought(EVERYWHERE, token=f"{NPI}|{number}") if is_npi(number) else None


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


def by_reference(
    request: Request[Directory], source: str, reference: Reference | None
) -> Sought | None:
    return by_ref(request, party_ref(source, reference))


def by_id(request: Request[Directory], type_: str, sealed: object) -> Sought | None:
    ref = request.open(type_, sealed)
    if ref is None:
        return None
    return by_npi(ref.id) if ref.source == EVERYWHERE else Sought(ref.source, ref.id)


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
    return entry_of(request, listed.kind, _entry_id(request, listed, found.rows), found.rows)


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
        entry_of(request, ROLES, _seal(request, ROLES.type, record), [record])
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
    searching: dict[str, Ask[SharedT]] = {
        name: partial(_identified, source, listed.model) for name, source in sources.items()
    }
    read, identified = await asyncio.gather(
        gather([_links(key.source, key.id) for key in keys], reading, now),
        gather([_everywhere(sources, key) for key in keys], searching, now),
    )
    found = [_meant(*each) for each in zip(keys, read, identified, strict=True)]
    # Whoever was found by an NPI was looked for by it already.
    elsewhere = [
        () if key.source == EVERYWHERE else _everywhere(sources, by_npi(_npi_of(each) or ""))
        for key, each in zip(keys, found, strict=True)
    ]
    others = await gather(elsewhere, searching, now)
    return [
        Gathered((*one.rows, *_with_npi(_npi_of(one), other)), one.sources)
        for one, other in zip(found, others, strict=True)
    ]


def _meant(key: Sought, read: Found[SharedT], identified: Found[SharedT]) -> Found[SharedT]:
    """Whom a key means among those found: nobody, where its identifier is that of several."""
    rows = identified.rows
    if key.source == EVERYWHERE and key.token:
        rows = _with_npi(key.token.rpartition("|")[2], identified)
    elif len(rows) > 1:
        rows = ()
    return Gathered((*read.rows, *rows), (*read.sources, *identified.sources))


async def _read(
    source: DirectorySource, model: type[SharedT], ids: Sequence[str]
) -> Answer[SharedT]:
    return await source.read(model, ids)


async def _identified(
    source: DirectorySource, model: type[SharedT], tokens: Sequence[str]
) -> Answer[SharedT]:
    return await source.identified(model, tokens)


def _links(source: str, key: str | None) -> tuple[Link, ...]:
    return () if key is None else (Link(source, key),)


def _everywhere(sources: Mapping[str, DirectorySource], key: Sought | None) -> tuple[Link, ...]:
    if key is None:
        return ()
    if key.source != EVERYWHERE:
        return _links(key.source, key.token)
    return tuple(link for source in sources for link in _links(source, key.token))


def _npi_of(found: Found[SharedT]) -> str | None:
    return next((r.resource.npi for r in found.rows if r.resource.npi), None)


def _with_npi(number: str | None, found: Found[SharedT]) -> tuple[Record[SharedT], ...]:
    """Those whose only NPI it is: no upstream is trusted to have searched as asked."""
    return tuple(r for r in found.rows if number and r.resource.npi == number)


def _entry_id(
    request: Request[Directory], listed: Listed[SharedT], records: Sequence[Record[SharedT]]
) -> str:
    first = min(records, key=lambda record: (record.source, record.resource.id))
    if listed.model is Practitioner and first.resource.npi:
        # Whichever sources answer: its sources are all asked for this number.
        return _seal_npi(request, listed.kind.type, first.resource.npi)
    return _seal(request, listed.kind.type, first)


def _seal(request: Request[Directory], type_: str, record: Record[SharedT]) -> str:
    return request.seal(type_, record.source, record.resource.id, "")


def _seal_npi(request: Request[Directory], type_: str, number: str) -> str:
    return request.subgraph.ids.seal(
        request.subgraph.name, RecordRef(EVERYWHERE, type_, number, "")
    )
