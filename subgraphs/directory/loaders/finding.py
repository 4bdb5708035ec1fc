"""Practitioners by name and by specialty, in every source at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from contract.errors import Code
from subgraphs.directory.loaders.entries import (
    PRACTITIONER,
    Directory,
    Sought,
    by_ref,
    load_entry,
    seal,
)
from subgraphs.directory.model import Practitioner, PractitionerRole
from subgraphs.directory.sources import DirectorySource, SharedT, TooManyError
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.entries import Entry, entry_of
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.gathering import Answer, Ask, Gathered, Record, gather
from subgraphs.runtime.parties import party_ref
from subgraphs.runtime.request import Request

_SHORTEST: Final = 2
_MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; both hold, where both are given."""

    words: tuple[str, ...] = ()
    """Beginnings of names."""
    specialty: str | None = None
    """A code, alone or as `system|code`."""


def read_words(search: str) -> tuple[str, ...] | None:
    """None for what finds nobody."""
    words = tuple(dict.fromkeys(search.split()))
    if not words or len(words) > _MOST_WORDS or any(len(word) < _SHORTEST for word in words):
        return None
    return words


async def find_practitioners(
    request: Request[Directory], wanted: Wanted
) -> Gathered[Entry[Practitioner]]:
    """Those the caller may see, each once; `SourcesDownError` where no source answered."""
    if not request.access.may_read_shared(PRACTITIONER.kind.type):
        return Gathered()
    try:
        if wanted.specialty is None:
            return await _by_name(request, wanted.words)
        return await _by_specialty(request, wanted)
    except TooManyError:
        raise ClientError(
            Code.BAD_USER_INPUT,
            "More are found than can be listed: ask for less.",
            argument="search",
        ) from None


async def _by_name(
    request: Request[Directory], words: tuple[str, ...]
) -> Gathered[Entry[Practitioner]]:
    ask: dict[str, Ask[Practitioner]] = {
        name: partial(_named, source, words) for name, source in request.services.sources.items()
    }
    found = await _ask_all(request, ask)
    records = [record for record in found.rows if _fits(record.resource, words)]
    # One with a number is looked for by it: not every source may write the name alike.
    numbers = {r.resource.npi for r in records if r.resource.npi}
    sought = [Sought(npi=number) for number in sorted(numbers)]
    alone = [
        entry_of(request, PRACTITIONER.kind, seal(request, PRACTITIONER.kind.type, r), [r])
        for r in records
        if not r.resource.npi
    ]
    known = await _load_all(request, sought)
    return Gathered(_each_once((*known, *alone)), found.sources)


async def _by_specialty(
    request: Request[Directory], wanted: Wanted
) -> Gathered[Entry[Practitioner]]:
    if not request.access.may_read_shared("PractitionerRole"):
        return Gathered()
    code = wanted.specialty or ""
    ask: dict[str, Ask[PractitionerRole]] = {
        name: partial(_practising, source, code)
        for name, source in request.services.sources.items()
    }
    found = await _ask_all(request, ask)
    refs = (
        by_ref(request, party_ref(r.source, r.resource.practitioner))
        for r in found.rows
        if code in tokens(r.resource.specialty) and r.resource.active is not False
    )
    entries = await _load_all(request, [sought for sought in dict.fromkeys(refs) if sought])
    fitting = (each for each in entries if each and _entry_fits(each, wanted.words))
    return Gathered(_each_once(fitting), found.sources)


async def _ask_all(
    request: Request[Directory], ask: Mapping[str, Ask[SharedT]]
) -> Gathered[Record[SharedT]]:
    everywhere = [Link(source, "") for source in ask]
    (found,) = await gather([everywhere], ask, request.subgraph.now)
    return found.or_raise()


async def _named(
    source: DirectorySource, words: tuple[str, ...], _: object
) -> Answer[Practitioner]:
    return Answer({"": await source.named(words)})


async def _practising(
    source: DirectorySource, specialty: str, _: object
) -> Answer[PractitionerRole]:
    return Answer({"": await source.practising(specialty)})


async def _load_all(
    request: Request[Directory], sought: Iterable[Sought]
) -> list[Entry[Practitioner] | None]:
    return await asyncio.gather(*(load_entry(request, PRACTITIONER, each) for each in sought))


def _each_once(
    entries: Iterable[Entry[Practitioner] | None],
) -> tuple[Entry[Practitioner], ...]:
    return tuple({entry.id: entry for entry in entries if entry is not None}.values())


def _entry_fits(entry: Entry[Practitioner], words: tuple[str, ...]) -> bool:
    return any(_fits(record.resource, words) for record in entry.records)


def _fits(practitioner: Practitioner, words: tuple[str, ...]) -> bool:
    """Whether every word begins one of the names: no upstream is trusted to have searched so."""
    names = [
        part.casefold()
        for name in practitioner.name
        for part in (*(name.full or "").split(), name.family or "", *name.given)
        if part
    ]
    return all(any(name.startswith(word.casefold()) for name in names) for word in words)
