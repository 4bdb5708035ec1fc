"""A payer's FHIR interface, asked for many members at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.coverage.model.claims import ClaimResource
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.explanations import ExplanationResource
from subgraphs.coverage.model.payers import Member, Organization
from subgraphs.runtime import fhir
from subgraphs.runtime.gathering import Answer

ResourceT = TypeVar("ResourceT", bound=fhir.Resource)


class Server(fhir.PatientSearch, Protocol):
    """The part of a FHIR server these questions need."""

    async def capabilities(self) -> Capabilities: ...

    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


class Payer:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def coverages(self, patients: Sequence[str]) -> Answer[CoverageResource]:
        return await fhir.search_patients(self._server, "Coverage", CoverageResource, patients)

    async def explanations(self, patients: Sequence[str]) -> Answer[ExplanationResource]:
        return await fhir.search_patients(
            self._server, "ExplanationOfBenefit", ExplanationResource, patients
        )

    async def claims(self, patients: Sequence[str]) -> Answer[ClaimResource]:
        """Nothing where the payer offers no claims: CARIN asks for explanations alone."""
        offered = (await self._server.capabilities()).types
        if offered and "Claim" not in offered:
            return Answer(dict.fromkeys(patients, ()))
        return await fhir.search_patients(self._server, "Claim", ClaimResource, patients)

    async def organizations(self, ids: Sequence[str]) -> Mapping[str, Organization]:
        return converted(await self._server.read("Organization", ids), Organization)

    async def members(self, ids: Sequence[str]) -> Mapping[str, Member]:
        return converted(await self._server.read("Patient", ids), Member)


def converted(
    found: Mapping[str, Mapping[str, Any]], model: type[ResourceT]
) -> dict[str, ResourceT]:
    try:
        return {id_: msgspec.convert(resource, model) for id_, resource in found.items()}
    except msgspec.ValidationError:
        raise ProtocolViolation("a resource of the payer cannot be read") from None
