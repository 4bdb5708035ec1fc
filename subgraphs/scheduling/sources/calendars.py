"""Calendars of a FHIR R4 server, and what is booked in them.

Slots are asked for by their schedule, and schedules by whose they are, as the Argonaut guide has
servers answer: http://www.fhir.org/guides/argonaut/scheduling/. What was found is looked at again,
since no upstream is trusted to have filtered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

import msgspec

from subgraphs.runtime.fhir import PatientSearch, Resource, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.practitioners import Numbered, read_numbers, search_numbers
from subgraphs.runtime.scalars import rank
from subgraphs.scheduling.model import FREE, Appointment, Schedule, Slot, Span

PAGE: Final = "500"
"""A week of a practice."""

ModelT = TypeVar("ModelT", bound=Resource)


class CalendarServer(PatientSearch, Protocol):
    """The part of a FHIR server that is needed here."""

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]: ...

    def crawl(
        self, resource_type: str, others: Mapping[str, Any] | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]: ...


class FhirCalendars:
    def __init__(self, server: CalendarServer) -> None:
        self._server = server

    async def appointments_with(
        self, practitioners: Sequence[str], span: Span
    ) -> Answer[Appointment]:
        """https://hl7.org/fhir/R4/appointment.html#search"""
        within = {"date": [f"ge{span.start}", f"lt{span.end}"], "_count": PAGE}
        found = await self._server.search_by("Appointment", "practitioner", practitioners, within)
        answer = translate(found, Appointment, Appointment.is_with)
        return within_span(answer, span)

    async def numbers_of(self, practitioners: Sequence[str]) -> Answer[Numbered]:
        return await read_numbers(self._server, practitioners)

    async def numbered(self, numbers: Sequence[str]) -> Answer[Numbered]:
        return await search_numbers(self._server, numbers)

    async def schedules_of(self, actors: Sequence[str]) -> Answer[Schedule]:
        found = await self._server.search_by("Schedule", "actor", actors)
        return translate(found, Schedule, Schedule.is_of)

    async def schedules(self) -> Sequence[Schedule]:
        pages = self._server.crawl("Schedule", {"_count": PAGE})
        return [row async for page in pages for row in _readable(page, Schedule)]

    async def free_slots(self, schedules: Sequence[str], span: Span) -> Answer[Slot]:
        narrowed = {"start": [f"ge{span.start}", f"lt{span.end}"], "status": FREE, "_count": PAGE}
        found = await self._server.search_by("Slot", "schedule", schedules, narrowed)
        answer = translate(found, Slot, Slot.is_in)
        return _kept(answer, lambda slot: slot.status == FREE and _begins(slot.start, span))

    async def read_slots(self, ids: Sequence[str]) -> Mapping[str, Slot]:
        return await self._read("Slot", ids, Slot)

    async def read_schedules(self, ids: Sequence[str]) -> Mapping[str, Schedule]:
        return await self._read("Schedule", ids, Schedule)

    async def _read(
        self, type_: str, ids: Sequence[str], model: type[ModelT]
    ) -> Mapping[str, ModelT]:
        found = await self._server.read(type_, ids)
        return {row.id: row for row in _readable(found.values(), model) if row.id in found}


def within_span(answer: Answer[Appointment], span: Span) -> Answer[Appointment]:
    return _kept(answer, lambda appointment: _begins(appointment.start, span))


def _kept(answer: Answer[ModelT], wanted: Callable[[ModelT], bool]) -> Answer[ModelT]:
    rows = {key: [row for row in found if wanted(row)] for key, found in answer.rows.items()}
    return replace(answer, rows=rows)


def _begins(start: str | None, span: Span) -> bool:
    return rank(span.start) <= rank(start) < rank(span.end)


def _readable(resources: Iterable[Mapping[str, Any]], model: type[ModelT]) -> list[ModelT]:
    """What cannot be read offers nothing."""
    rows = []
    for resource in resources:
        with suppress(msgspec.ValidationError):
            rows.append(msgspec.convert(resource, model))
    return rows
