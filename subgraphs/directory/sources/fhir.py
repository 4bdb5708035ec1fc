"""A directory behind FHIR R4, asked by no more than US Core and Plan-Net servers promise.

Practitioners are found by identifier, which is guaranteed; for all else a server is asked by
identifier only where it says that it searches by one.
https://hl7.org/fhir/us/core/STU8/CapabilityStatement-us-core-server.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.directory.model import (
    CareTeam,
    PatientsProviders,
    Practitioner,
    PractitionerRole,
)
from subgraphs.directory.sources import SharedT
from subgraphs.runtime.fhir import PatientSearch, search_patients, translate
from subgraphs.runtime.gathering import Answer

_ACTIVE = {"status": "active"}
"""US Core promises no search for care teams without a status, and of these one."""


class Server(PatientSearch, Protocol):
    """The part of a FHIR server these questions need."""

    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


class DirectoryServer(Server, Protocol):
    async def capabilities(self) -> Capabilities: ...


class FhirTeams:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def care_teams(self, patients: Sequence[str]) -> Answer[CareTeam]:
        return await search_patients(self._server, "CareTeam", CareTeam, patients, _ACTIVE)

    async def responsible(self, patients: Sequence[str]) -> Answer[PatientsProviders]:
        found = await self._server.read("Patient", patients)
        return translate({id_: [row] for id_, row in found.items()}, PatientsProviders)


class FhirDirectory:
    def __init__(self, server: DirectoryServer, base: str) -> None:
        self.base = base.rstrip("/")
        self._server = server

    async def read(self, model: type[SharedT], ids: Sequence[str]) -> Answer[SharedT]:
        found = await self._server.read(model.__name__, ids)
        rows = {id_: [row] for id_, row in found.items()}
        return translate(rows, model, lambda record, id_: record.id == id_)

    async def identified(self, model: type[SharedT], tokens: Sequence[str]) -> Answer[SharedT]:
        type_ = model.__name__
        if model is not Practitioner and not await self._searches(type_, "identifier"):
            return Answer({})
        found = await self._server.search_by(type_, "identifier", tokens)
        return translate(found, model, _has)

    async def roles_of(self, practitioners: Sequence[str]) -> Answer[PractitionerRole]:
        found = await self._server.search_by("PractitionerRole", "practitioner", practitioners)
        return translate(found, PractitionerRole, _is_role_of)

    async def _searches(self, type_: str, param: str) -> bool:
        return (type_, param) in (await self._server.capabilities()).search_params


def _has(record: SharedT, token: str) -> bool:
    return any(f"{each.system or ''}|{each.value or ''}" == token for each in record.identifier)


def _is_role_of(role: PractitionerRole, practitioner: str) -> bool:
    whose = role.practitioner
    return whose is not None and whose.id_of("Practitioner") == practitioner
