"""Records from a FHIR R4 server, by searches US Core promises: `patient` alone.

https://hl7.org/fhir/us/core/STU8/CapabilityStatement-us-core-server.html
"""

from __future__ import annotations

from collections.abc import Sequence

from subgraphs.records.model import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)
from subgraphs.runtime.fhir import PatientSearch, search_patients
from subgraphs.runtime.gathering import Answer


class FhirRecords:
    def __init__(self, server: PatientSearch) -> None:
        self._server = server

    async def encounters(self, patients: Sequence[str]) -> Answer[Encounter]:
        return await search_patients(self._server, "Encounter", Encounter, patients)

    async def conditions(self, patients: Sequence[str]) -> Answer[Condition]:
        return await search_patients(self._server, "Condition", Condition, patients)

    async def allergies(self, patients: Sequence[str]) -> Answer[AllergyIntolerance]:
        return await search_patients(
            self._server, "AllergyIntolerance", AllergyIntolerance, patients
        )

    async def procedures(self, patients: Sequence[str]) -> Answer[Procedure]:
        return await search_patients(self._server, "Procedure", Procedure, patients)

    async def immunizations(self, patients: Sequence[str]) -> Answer[Immunization]:
        return await search_patients(self._server, "Immunization", Immunization, patients)
