"""What the scheduling subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.practitioners import Numbered
from subgraphs.scheduling.model import Appointment, Schedule, Slot, Span


class ScheduleSource(Protocol):
    async def appointments(
        self, patients: Sequence[str], from_day: date | None
    ) -> Answer[Appointment]:
        """Of a batch of the source's own patients: at least all that begin on that day or later."""
        ...


class DaySource(Protocol):
    """Whoever knows of practitioners' appointments: by their ids, a feed by their NPIs."""

    async def appointments_with(
        self, practitioners: Sequence[str], span: Span
    ) -> Answer[Appointment]:
        """All that begin within the span, by practitioner."""
        ...


class CalendarSource(DaySource, Protocol):
    """Whoever keeps the calendars that appointments are made in: an EHR."""

    async def numbers_of(self, practitioners: Sequence[str]) -> Answer[Numbered]:
        """Each by its id."""
        ...

    async def numbered(self, numbers: Sequence[str]) -> Answer[Numbered]:
        """Each by an NPI."""
        ...

    async def schedules_of(self, actors: Sequence[str]) -> Answer[Schedule]:
        """By actor, each as `Type/id`."""
        ...

    async def schedules(self) -> Sequence[Schedule]:
        """All of them."""
        ...

    async def free_slots(self, schedules: Sequence[str], span: Span) -> Answer[Slot]:
        """Those that are free and begin within the span, by schedule."""
        ...

    async def read_slots(self, ids: Sequence[str]) -> Mapping[str, Slot]:
        """Whatever their status; who is not there is left out."""
        ...

    async def read_schedules(self, ids: Sequence[str]) -> Mapping[str, Schedule]: ...
