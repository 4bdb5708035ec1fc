"""Messages of a FHIR R4 server: `Communication` by patient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from subgraphs.runtime.fhir import PatientSearch, search_patients
from subgraphs.runtime.gathering import Answer
from subgraphs.telehealth.model import Communication


class MessageSource(Protocol):
    async def messages(self, patients: Sequence[str]) -> Answer[Communication]: ...


class FhirMessages:
    def __init__(self, server: PatientSearch) -> None:
        self._server = server

    async def messages(self, patients: Sequence[str]) -> Answer[Communication]:
        return await search_patients(self._server, "Communication", Communication, patients)
