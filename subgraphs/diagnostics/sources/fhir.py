"""Observations from a FHIR R4 server, by searches US Core promises.

An observation is found by patient and category or by patient and code. By patient alone too where
the server permits it, which finds those of a category of its own besides.
https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-observation-clinical-result.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.connectors.fhir.binary import Binary
from subgraphs.diagnostics.model import (
    DiagnosticReport,
    ImagingStudy,
    Media,
    Observation,
    ServiceRequest,
    Specimen,
)
from subgraphs.diagnostics.sources import SPARE, joined
from subgraphs.runtime.fhir import Reference, translate
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.provenance import (
    REVINCLUDE,
    IncludingSearch,
    ProvenanceSearch,
    attached,
)

CATEGORY_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_CATEGORIES: Final = {
    # https://terminology.hl7.org/CodeSystem-observation-category.html
    CATEGORY_SYSTEM: "vital-signs laboratory social-history survey exam imaging procedure therapy "
    "activity",
    # https://hl7.org/fhir/us/core/STU8/CodeSystem-us-core-category.html, those of observations
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-category": "sdoh functional-status "
    "disability-status cognitive-status treatment-intervention-preference "
    "care-experience-preference observation-adi-documentation",
}
EVERY_CATEGORY: Final = tuple(
    f"{system}|{code}" for system, codes in _CATEGORIES.items() for code in codes.split()
)

_MANY_CODES: Final = 4
"""Asked one by one, more than these take longer than everything does."""
_WHOLE_CHART: Final = {"_count": "1000"}


_WITH_ENDPOINTS: Final = {"_include": "ImagingStudy:endpoint"}


class DiagnosticServer(IncludingSearch, Protocol):
    async def latest_including(
        self,
        resource_type: str,
        param: str,
        keys: Iterable[str],
        others: Mapping[str, Any] | None = None,
        *,
        sort: str,
        per_key: int = 1,
    ) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]: ...

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]: ...

    async def contents(self, urls: Iterable[str]) -> dict[str, Binary]: ...


class FhirDiagnostics:
    def __init__(self, server: DiagnosticServer, *, labels: bool = True) -> None:
        """`labels`: whether the source may have labelled what is sensitive."""
        self._server = server
        self._charted = ProvenanceSearch(server)
        self._latest_brings_provenance = True
        self._labels = labels
        self._takes_lists = True
        self._takes_patient_alone = True
        self._includes_endpoints = True

    async def observations(self, patients: Sequence[str]) -> Answer[Observation]:
        if self._takes_patient_alone:
            # One chart comes on one page where the server gives as many; many charts have pages.
            whole = _WHOLE_CHART if len(patients) == 1 else None
            try:
                return await self._one_search(patients, whole)
            except Rejected:
                pass
        found = await self._search(patients, "category", EVERY_CATEGORY)
        self._takes_patient_alone = False
        return found

    async def by_code(self, patients: Sequence[str], codes: Sequence[str]) -> Answer[Observation]:
        if not self._takes_lists and len(codes) > _MANY_CODES:
            return await self.observations(patients)
        return await self._search(patients, "code", codes)

    async def latest_by_code(
        self, patients: Sequence[str], codes: Sequence[str]
    ) -> Answer[Observation]:
        if self._labels or (len(patients) == 1 and len(codes) > 1):
            # One patient's few codes are one search; many patients' would be many pages.
            return await self.by_code(patients, codes)
        found = await asyncio.gather(*(self._latest(patients, code) for code in codes))
        return joined(found)

    async def reports(self, patients: Sequence[str]) -> Answer[DiagnosticReport]:
        rows, _ = await self._charted.search("DiagnosticReport", patients)
        return translate(rows, DiagnosticReport)

    async def orders(self, patients: Sequence[str]) -> Answer[ServiceRequest]:
        rows, _ = await self._charted.search("ServiceRequest", patients)
        return translate(rows, ServiceRequest)

    async def studies(self, patients: Sequence[str]) -> Answer[ImagingStudy]:
        rows, brought = await self._studies(patients)
        endpoints = {str(each.get("id")): each for each in brought if _is_endpoint(each)}
        referred = {id_ for found in rows.values() for row in found for id_ in _endpoint_ids(row)}
        endpoints |= await self._endpoints(sorted(referred - endpoints.keys()))
        resolved = {
            patient: [
                {
                    **row,
                    "endpointResource": [
                        endpoints[id_] for id_ in _endpoint_ids(row) if id_ in endpoints
                    ],
                }
                for row in found
            ]
            for patient, found in rows.items()
        }
        return translate(resolved, ImagingStudy)

    async def media(self, patients: Sequence[str]) -> Answer[Media]:
        rows, _ = await self._charted.search("Media", patients)
        return translate(rows, Media)

    async def specimens(self, ids: Sequence[str]) -> Mapping[str, Specimen]:
        found = {}
        for id_, row in (await self._server.read("Specimen", ids)).items():
            try:
                found[id_] = msgspec.convert(row, Specimen)
            except msgspec.ValidationError:
                continue
        return found

    async def contents(self, urls: Sequence[str]) -> Mapping[str, Binary]:
        return await self._server.contents(urls)

    async def _studies(
        self, patients: Sequence[str]
    ) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]]]:
        if self._includes_endpoints:
            try:
                return await self._charted.search("ImagingStudy", patients, _WITH_ENDPOINTS)
            except Rejected:
                pass
        found = await self._charted.search("ImagingStudy", patients)
        self._includes_endpoints = False
        return found

    async def _endpoints(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What was not brought along, as far as the server lets us read it."""
        if not ids:
            return {}
        try:
            return await self._server.read("Endpoint", ids)
        except (Rejected, Refused):
            return {}

    async def _latest(self, patients: Sequence[str], code: str) -> Answer[Observation]:
        found = partial(self._server.latest_including, "Observation", "patient", patients)
        asked = {"code": code}
        if self._latest_brings_provenance:
            try:
                rows, brought = await found({**asked, **REVINCLUDE}, sort="-date", per_key=SPARE)
                return translate(attached("Observation", rows, brought), Observation)
            except Rejected:
                pass
        rows, _ = await found(asked, sort="-date", per_key=SPARE)
        self._latest_brings_provenance = False
        return translate(rows, Observation)

    async def _search(
        self, patients: Sequence[str], param: str, tokens: Sequence[str]
    ) -> Answer[Observation]:
        """All tokens in one search where the server takes lists of them, else one search each."""
        if self._takes_lists or len(tokens) == 1:
            try:
                return await self._one_search(patients, {param: ",".join(tokens)})
            except Rejected:
                if len(tokens) == 1:
                    raise
        searches = (self._one_search(patients, {param: token}) for token in tokens)
        found = joined(await asyncio.gather(*searches))
        # Only now is it known that the list was what it declined.
        self._takes_lists = False
        return found

    async def _one_search(
        self, patients: Sequence[str], others: Mapping[str, str] | None = None
    ) -> Answer[Observation]:
        rows, _ = await self._charted.search("Observation", patients, others)
        return translate(rows, Observation)


def _is_endpoint(resource: Mapping[str, Any]) -> bool:
    return resource.get("resourceType") == "Endpoint"


def _endpoint_ids(row: Mapping[str, Any]) -> list[str]:
    """Of the study and of its series, each once."""
    series = row.get("series")
    parts = [row, *(series if isinstance(series, list) else ())]
    lists = (part.get("endpoint") for part in parts if isinstance(part, dict))
    elements = (each for some in lists if isinstance(some, list) for each in some)
    references = (each.get("reference") for each in elements if isinstance(each, dict))
    ids = (Reference(text).id_of("Endpoint") for text in references if isinstance(text, str))
    return list(dict.fromkeys(id_ for id_ in ids if id_))
