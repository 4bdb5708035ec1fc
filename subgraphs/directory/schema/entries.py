"""How an entry of the directory is come by: by its id, or as a record of any domain names it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Self

from contract.errors import Code
from subgraphs.directory.loaders import entries as loaders
from subgraphs.directory.loaders.entries import Directory, Sought
from subgraphs.runtime.datatypes import Identifier
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.naming import contained_in
from subgraphs.runtime.parties import PartyRef, open_party, party_ref
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation


class Findable(ABC):
    """A type of entries; each inherits it beside `EntryNode`."""

    listed: ClassVar[loaders.Listed[Any]]
    named_as: ClassVar[tuple[str, ...]] = ()
    """The FHIR types by which a record can mean it."""

    @classmethod
    @abstractmethod
    def of(cls, entry: Entry[Any]) -> Self: ...

    @classmethod
    async def find(cls, request: Request[Directory], sought: Sought | None) -> Self | None:
        entry = await loaders.load_entry(request, cls.listed, sought)
        return cls.of(entry) if entry else None

    @classmethod
    async def named(
        cls, request: Request[Directory], record: Record[Any], reference: Reference | None
    ) -> Self | None:
        """Which one a source's record names."""
        ref = party_ref(record.source, reference, contained_in(record.resource))
        return await cls.meant(request, ref)

    @classmethod
    async def meant(cls, request: Request[Directory], ref: PartyRef | None) -> Self | None:
        if ref is None or ref.type not in cls.named_as:
            return None
        return await cls.find(request, await cls.sought(request, ref))

    @classmethod
    async def sought(cls, request: Request[Directory], ref: PartyRef) -> Sought | None:
        return loaders.by_ref(request, ref)

    @classmethod
    async def answer(
        cls, request: Request[Directory], representation: Representation
    ) -> Self | None:
        """A reference that leads nowhere is None."""
        key = representation.get("reference")
        if key is not None:
            return await cls.meant(request, open_party(request.subgraph.ids, cls.named_as, key))
        sought = loaders.by_id(request, cls.listed.kind.type, representation.get("id"))
        found = await cls.find(request, sought)
        if found is None:
            # Unknown, or not the caller's to see: the same for both.
            raise ClientError(Code.NOT_FOUND)
        return found

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        answers = map(partial(cls.answer, request), representations)
        return await asyncio.gather(*answers, return_exceptions=True)


def identifiers_of(entry: Entry[Any]) -> list[Identifier]:
    told = (each for record in entry.records for each in record.resource.identifier)
    return Identifier.all_of(dict.fromkeys(told))
