"""Practitioners' appointments as a feed tells of them: by NPI, for it keeps no calendars."""

from __future__ import annotations

from collections.abc import Sequence

from subgraphs.connectors.inbox.server import BY_NUMBER
from subgraphs.runtime.fhir import PatientSearch, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.npi import NPI
from subgraphs.scheduling.model import Appointment, Span
from subgraphs.scheduling.sources.calendars import within_span


class FeedDays:
    """`subgraphs.scheduling.sources.DaySource`"""

    def __init__(self, server: PatientSearch) -> None:
        self._server = server

    async def appointments_with(
        self, practitioners: Sequence[str], span: Span
    ) -> Answer[Appointment]:
        tokens = {f"{NPI}|{number}": number for number in practitioners}
        found = await self._server.search_by("Appointment", BY_NUMBER, tokens)
        rows = {number: found.get(token, []) for token, number in tokens.items()}
        answer = translate(rows, Appointment, lambda each, number: number in each.numbers())
        return within_span(answer, span)
