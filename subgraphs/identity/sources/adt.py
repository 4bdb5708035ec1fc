"""What a source tells of its patients by messages: the port a reader of HL7 v2 ADT feeds.

Messages come late, twice and out of order: of two that describe one patient the one said later
counts, and a merge told before its patients waits for them.
https://www.hl7.eu/HL7v2x/v251/std251/ch03.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from subgraphs.identity.index.decisions import Author, RefusedError
from subgraphs.identity.index.intake import Said
from subgraphs.identity.index.store import PatientIndex
from subgraphs.identity.model import PatientResource
from subgraphs.runtime.crosswalk import Link


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One patient as a source described them, and when: EVN-2 or MSH-7."""

    source: str
    patient: PatientResource
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A message: PID as `record`; of a merge, MRG-1 as `prior`, the id of the retired record."""

    trigger: str
    record: PersonRecord
    prior: str | None = None


class Taken(StrEnum):
    """What became of a message."""

    REGISTERED = "registered"
    MERGED = "merged"
    KNOWN = "known"
    """One of the two was merged before."""
    HELD = "held"
    """A human has decided otherwise: the merge is not made."""
    IGNORED = "ignored"
    """A trigger that says nothing of who a patient is."""


DESCRIBING: Final = frozenset({"A01", "A04", "A05", "A08", "A28", "A31"})
"""Admitted, registered, pre-admitted, updated; person added, person updated."""
MERGING: Final = frozenset({"A40"})
"""Patients merged on the level of their identifiers."""


class IndexFeed:
    def __init__(self, index: PatientIndex, now: Callable[[], datetime]) -> None:
        self._index = index
        self._now = now

    async def apply(self, event: Event) -> Taken:
        """Take a message in. A merge describes the surviving patient too."""
        if event.trigger not in DESCRIBING | MERGING:
            return Taken.IGNORED
        if event.trigger in MERGING and event.prior is not None:
            surviving = Link(event.record.source, event.record.patient.id)
            await self.register(event.record)
            return await self.merge(Link(surviving.source, event.prior), surviving)
        await self.register(event.record)
        return Taken.REGISTERED

    async def register(self, record: PersonRecord) -> None:
        """A patient is as described, unless something said later is known already."""
        said = Said(record.patient, record.at.timestamp())
        await self._index.take(record.source, {record.patient.id: said}, self._now())

    async def merge(self, prior: Link, surviving: Link) -> Taken:
        """A source has retired one of its records in favour of another."""
        author = Author(f"source:{surviving.source}", self._now(), "merged at the source")
        try:
            async with self._index.deciding() as deciding:
                for link in (prior, surviving):
                    await deciding.make_known(link, author.at)
                if await deciding.registrar.is_kept_apart(prior, surviving):
                    return Taken.HELD
                await deciding.registrar.merge(prior, surviving, author)
        except RefusedError:
            return Taken.KNOWN
        return Taken.MERGED
