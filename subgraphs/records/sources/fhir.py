"""Records from a FHIR R4 server, by searches US Core promises.

That is `patient` alone, but of care plans, which a server may want to be asked by category too.
https://hl7.org/fhir/us/core/STU8/CapabilityStatement-us-core-server.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.records.model import (
    AllergyIntolerance,
    CarePlan,
    Condition,
    Device,
    DocumentReference,
    Encounter,
    FamilyMemberHistory,
    Goal,
    Immunization,
    Procedure,
    QuestionnaireResponse,
)
from subgraphs.runtime.fhir import RecordT, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.provenance import IncludingSearch, ProvenanceSearch

PLANS: Final = {"category": "http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan"}
"""What US Core calls a plan of care, for a server that is asked by nothing less."""


class RecordServer(IncludingSearch, Protocol):
    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]: ...


class FhirRecords:
    def __init__(self, server: RecordServer) -> None:
        self._server = server
        self._charted = ProvenanceSearch(server)
        self._plans: Mapping[str, str] | None = None

    async def encounters(self, patients: Sequence[str]) -> Answer[Encounter]:
        return await self._all("Encounter", Encounter, patients)

    async def conditions(self, patients: Sequence[str]) -> Answer[Condition]:
        return await self._all("Condition", Condition, patients)

    async def allergies(self, patients: Sequence[str]) -> Answer[AllergyIntolerance]:
        return await self._all("AllergyIntolerance", AllergyIntolerance, patients)

    async def procedures(self, patients: Sequence[str]) -> Answer[Procedure]:
        return await self._all("Procedure", Procedure, patients)

    async def immunizations(self, patients: Sequence[str]) -> Answer[Immunization]:
        return await self._all("Immunization", Immunization, patients)

    async def goals(self, patients: Sequence[str]) -> Answer[Goal]:
        return await self._all("Goal", Goal, patients)

    async def devices(self, patients: Sequence[str]) -> Answer[Device]:
        return await self._all("Device", Device, patients)

    async def family(self, patients: Sequence[str]) -> Answer[FamilyMemberHistory]:
        return await self._all("FamilyMemberHistory", FamilyMemberHistory, patients)

    async def responses(self, patients: Sequence[str]) -> Answer[QuestionnaireResponse]:
        return await self._all("QuestionnaireResponse", QuestionnaireResponse, patients)

    async def care_plans(self, patients: Sequence[str]) -> Answer[CarePlan]:
        if self._plans is None:
            try:
                return await self._all("CarePlan", CarePlan, patients)
            except Rejected:
                pass
        found = await self._all("CarePlan", CarePlan, patients, PLANS)
        # Only now is it known that the category was what it missed.
        self._plans = PLANS
        return found

    async def documents(self, patients: Sequence[str]) -> Answer[DocumentReference]:
        found, _ = await self._charted.search("DocumentReference", patients)
        rows = {patient: [_labelled(row) for row in own] for patient, own in found.items()}
        return translate(rows, DocumentReference)

    async def contents(self, urls: Sequence[str]) -> Mapping[str, Binary]:
        return await self._server.contents(urls)

    async def _all(
        self,
        type_: str,
        model: type[RecordT],
        patients: Sequence[str],
        others: Mapping[str, str] | None = None,
    ) -> Answer[RecordT]:
        rows, _ = await self._charted.search(type_, patients, others)
        return translate(rows, model)


def _labelled(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A document is labelled by an element of its own too, which then is a label like any other.

    https://hl7.org/fhir/R4/documentreference-definitions.html#DocumentReference.securityLabel
    """
    meta = row.get("meta")
    labels = [coding for coding in _codings(row.get("securityLabel")) if isinstance(coding, dict)]
    if not labels or not isinstance(meta, dict | None):
        return row
    known = (meta or {}).get("security")
    security = [*(known if isinstance(known, list) else ()), *labels]
    return {**row, "meta": {**(meta or {}), "security": security}}


def _codings(concepts: object) -> Iterator[object]:
    for concept in concepts if isinstance(concepts, list) else ():
        codings = concept.get("coding") if isinstance(concept, dict) else None
        yield from codings if isinstance(codings, list) else ()
