"""Appointments from a FHIR R4 server. US Core says nothing of them; `patient` is in FHIR itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from subgraphs.connectors.errors import Rejected
from subgraphs.runtime.fhir import PatientSearch, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.scheduling.model import Appointment


class FhirSchedule:
    def __init__(self, server: PatientSearch) -> None:
        self._server = server
        self._takes_date = True

    async def appointments(
        self, patients: Sequence[str], from_day: date | None
    ) -> Answer[Appointment]:
        if from_day is not None and self._takes_date:
            try:
                return await self._search(patients, {"date": f"ge{from_day.isoformat()}"})
            except Rejected:
                # Not every server searches by it; the caller looks at the dates anyway.
                found = await self._search(patients, {})
                self._takes_date = False
                return found
        return await self._search(patients, {})

    async def _search(
        self, patients: Sequence[str], others: Mapping[str, str]
    ) -> Answer[Appointment]:
        found = await self._server.search_by("Appointment", "patient", patients, others)
        return translate(found, Appointment, Appointment.is_of)
