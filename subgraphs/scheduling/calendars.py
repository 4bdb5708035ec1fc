"""How slots and schedules are loaded: calendars are in nobody's chart, and one source's each."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.gathering import Answer, Ask, Gathered, Record, gather
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef
from subgraphs.scheduling.loaders import Scheduling
from subgraphs.scheduling.model import Calendar, Schedule, Slot, Span
from subgraphs.scheduling.sources import CalendarSource

SLOT: Final = "Slot"
SCHEDULE: Final = "Schedule"
_EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class Opening:
    """A slot with the schedule it is in."""

    slot: Record[Slot]
    schedule: Record[Schedule]

    @property
    def ref(self) -> RecordRef:
        return RecordRef(self.slot.source, SLOT, self.slot.resource.id, "")

    @property
    def rank(self) -> str:
        return rank(self.slot.resource.start)

    def is_for(self, kind: str, code: str) -> bool:
        """Whether `specialty` or `service_type` names a code; where a slot says nothing of it, its
        schedule does."""
        own, whole = getattr(self.slot.resource, kind), getattr(self.schedule.resource, kind)
        return code in tokens(own or whole)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a slot has to be; None asks for nothing."""

    span: Span
    specialty: str | None = None
    service_type: str | None = None
    practitioner: tuple[Link, ...] | None = None
    """Whom it is with, by source and `Practitioner/id`: any of these, for they are one person."""
    location: tuple[Link, ...] | None = None
    """Likewise where it is."""

    def takes(self, opening: Opening) -> bool:
        schedule = opening.schedule
        places = (self.practitioner, self.location)
        return (
            all(links is None or _is_of_any(schedule, links) for links in places)
            and (self.specialty is None or opening.is_for("specialty", self.specialty))
            and (self.service_type is None or opening.is_for("service_type", self.service_type))
        )


@dataclass(frozen=True, slots=True)
class _Described:
    """A record as the access decision sees it."""

    type: str
    tokens: Tokens
    labels: frozenset[str]


async def find_openings(request: Request[Scheduling], wanted: Wanted) -> Gathered[Opening]:
    """Every free slot of the kind that the caller may see.

    Each source is asked for the schedules and then for their slots, whatever their number;
    `SourcesDownError` where none answered.
    """
    if not request.access.may_read_shared(SLOT):
        return Gathered()
    calendars = request.services.calendars
    actors = wanted.practitioner if wanted.practitioner is not None else wanted.location
    if actors is None:
        everybody = tuple(Link(name, _EVERYBODY) for name in calendars)
        asked: Mapping[str, Ask[Schedule]] = {
            name: partial(_ask_all, source) for name, source in calendars.items()
        }
        (found,) = await _openings(request, asked, wanted.span, [everybody])
    else:
        found = await openings_of(request, actors, wanted.span)
    rows = tuple(row for row in found.or_raise().rows if wanted.takes(row))
    return Gathered(tuple(row for row in rows if _may_see(request, row)), found.sources)


async def openings_of(
    request: Request[Scheduling], actors: tuple[Link, ...], span: Span
) -> Gathered[Opening]:
    """The free slots of someone or something, known by source and `Type/id`, before anything is
    decided; all of the moment share the upstream calls."""
    asked = {name: source.schedules_of for name, source in request.services.calendars.items()}

    async def batch(those: list[tuple[Link, ...]]) -> list[Gathered[Opening]]:
        return await _openings(request, asked, span, those)

    return await request.load(("openings", span), batch, actors)


async def load_next(
    request: Request[Scheduling], practitioner: tuple[Link, ...], span: Span, count: int
) -> list[Opening]:
    """The first free slots of a practitioner, by source and `Practitioner/id`."""
    if not request.access.may_read_shared(SLOT):
        return []
    found = (await openings_of(request, practitioner, span)).or_raise()
    seen = [row for row in found.rows if _may_see(request, row)]
    return sorted(seen, key=lambda row: (row.slot.resource.start, row.ref))[:count]


async def read_slots(
    request: Request[Scheduling], refs: Sequence[RecordRef | None]
) -> list[Record[Slot] | Exception]:
    """Those of these ids whatever their status, or the error to put in its place."""
    return await _read(request, SLOT, refs)


async def read_schedules(
    request: Request[Scheduling], refs: Sequence[RecordRef | None]
) -> list[Record[Schedule] | Exception]:
    return await _read(request, SCHEDULE, refs)


async def _openings(
    request: Request[Scheduling],
    asked: Mapping[str, Ask[Schedule]],
    span: Span,
    actors: Sequence[Sequence[Link]],
) -> list[Gathered[Opening]]:
    found = await gather(actors, asked, request.subgraph.now)
    kept = [_active(schedules) for schedules in found]
    of_schedules = [[Link(source, id_) for source, id_ in schedules] for schedules in kept]
    calendars = request.services.calendars.items()
    ask = {name: partial(_ask_slots, source, span) for name, source in calendars}
    slots = await gather(of_schedules, ask, request.subgraph.now)
    return [
        _joined(gathered, schedules, free)
        for gathered, schedules, free in zip(found, kept, slots, strict=True)
    ]


def _joined(
    found: Gathered[Record[Schedule]],
    schedules: Mapping[tuple[str, str], Record[Schedule]],
    free: Gathered[Record[Slot]],
) -> Gathered[Opening]:
    # A slot was found by its schedule, which stands where a patient's id does for other records.
    rows = tuple(Opening(slot, schedules[slot.source, slot.patient]) for slot in free.rows)
    both: Gathered[object] = Gathered((), found.sources)
    return Gathered(rows, both.joined(Gathered((), free.sources)).sources)


def _active(found: Gathered[Record[Schedule]]) -> dict[tuple[str, str], Record[Schedule]]:
    rows = (row for row in found.rows if row.resource.active is not False)
    return {(row.source, row.resource.id): row for row in rows}


async def _ask_all(source: CalendarSource, _: Sequence[str]) -> Answer[Schedule]:
    return Answer({_EVERYBODY: await source.schedules()})


async def _ask_slots(source: CalendarSource, span: Span, schedules: Sequence[str]) -> Answer[Slot]:
    return await source.free_slots(schedules, span)


async def _read(
    request: Request[Scheduling], type_: str, refs: Sequence[RecordRef | None]
) -> list[Any]:
    if not request.access.may_read_shared(type_):
        return [ClientError(Code.NOT_FOUND)] * len(refs)
    return list(await asyncio.gather(*(_read_one(request, type_, ref) for ref in refs)))


async def _read_one(
    request: Request[Scheduling], type_: str, ref: RecordRef | None
) -> Record[Any] | Exception:
    source = request.services.calendars.get(ref.source) if ref else None
    if ref is None or source is None:
        return ClientError(Code.NOT_FOUND)
    read = source.read_slots if type_ == SLOT else source.read_schedules

    async def batch(ids: list[str]) -> list[Any]:
        found = await read(ids)
        return [found.get(id_) for id_ in ids]

    try:
        row = await request.load((type_, ref.source), batch, ref.id)
    except UpstreamError as failure:
        return SourcesDownError([(ref.source, failure.state)], failure.retry_after)
    if row is None or not _is_open(request, type_, row):
        return ClientError(Code.NOT_FOUND)
    return Record(ref.source, "", row, request.subgraph.now())


def _may_see(request: Request[Scheduling], opening: Opening) -> bool:
    return _is_open(request, SLOT, opening.slot.resource)


def _is_open(request: Request[Scheduling], type_: str, row: Calendar) -> bool:
    labels = frozenset(label.code for label in row.meta.security if label.code)
    offered: dict[str, Collection[str]] = {
        "service-type": tokens(row.service_type),
        "specialty": tokens(row.specialty),
    }
    if isinstance(row, Slot):
        offered["status"] = {row.status}
    return request.access.permits_shared(_Described(type_, offered, labels))


def _is_of_any(schedule: Record[Schedule], links: Sequence[Link]) -> bool:
    return any(
        link.source == schedule.source and schedule.resource.is_of(link.id) for link in links
    )
