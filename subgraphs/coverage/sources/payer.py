"""A payer's FHIR interface, asked for many members at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.coverage.model.claims import ClaimResource
from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.explanations import ExplanationResource
from subgraphs.coverage.model.payers import Member, Organization
from subgraphs.coverage.model.preauthorization.wire import PREAUTHORIZATION
from subgraphs.runtime import fhir
from subgraphs.runtime.gathering import Answer

Rows: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""Resources as they came, by patient."""
Explain: TypeAlias = Callable[[Sequence[str]], Awaitable[Rows]]

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

    async def explanations(self, patients: Sequence[str]) -> Rows:
        """As they are kept: of claims, and of what was asked for beforehand."""
        return await self._server.search_by("ExplanationOfBenefit", "patient", patients)

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


def explained(rows: Rows) -> Answer[ExplanationResource]:
    """What was decided about claims: a request for prior authorization is none yet."""
    claims = {
        patient: [row for row in found if row.get("use") != PREAUTHORIZATION]
        for patient, found in rows.items()
    }
    return fhir.translate(claims, ExplanationResource)


def converted(
    found: Mapping[str, Mapping[str, Any]], model: type[ResourceT]
) -> dict[str, ResourceT]:
    try:
        return {id_: msgspec.convert(resource, model) for id_, resource in found.items()}
    except msgspec.ValidationError:
        raise ProtocolViolation("a resource of the payer cannot be read") from None
