"""Claims, and what payers answered about them and about members, from X12 files handed in."""

from __future__ import annotations

from collections.abc import Sequence

from subgraphs.connectors.x12.filed.answers import REMITTANCE, STATUS
from subgraphs.connectors.x12.filed.eligibility import ELIGIBILITY
from subgraphs.coverage.model.answers import (
    EligibilityResource,
    RemittanceResource,
    StatusResource,
)
from subgraphs.coverage.model.claims import ClaimResource
from subgraphs.runtime import fhir
from subgraphs.runtime.gathering import Answer


class ClaimFiles:
    """Of one inbox."""

    def __init__(self, inbox: fhir.PatientSearch) -> None:
        self._inbox = inbox

    async def claims(self, patients: Sequence[str]) -> Answer[ClaimResource]:
        return await fhir.search_patients(self._inbox, "Claim", ClaimResource, patients)

    async def remittances(self, patients: Sequence[str]) -> Answer[RemittanceResource]:
        return await fhir.search_patients(self._inbox, REMITTANCE, RemittanceResource, patients)

    async def statuses(self, patients: Sequence[str]) -> Answer[StatusResource]:
        return await fhir.search_patients(self._inbox, STATUS, StatusResource, patients)

    async def eligibility(self, patients: Sequence[str]) -> Answer[EligibilityResource]:
        return await fhir.search_patients(self._inbox, ELIGIBILITY, EligibilityResource, patients)
