"""A directory behind FHIR R4, asked by no more than US Core and Plan-Net servers promise.

Practitioners are found by identifier, which is guaranteed; for all else a server is asked by
identifier only where it says that it searches by one.
https://hl7.org/fhir/us/core/STU8/CapabilityStatement-us-core-server.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol

from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.directory.model import (
    CareTeam,
    PatientsProviders,
    Practitioner,
    PractitionerRole,
)
from subgraphs.directory.sources import MOST, SharedT, TooManyError
from subgraphs.runtime.fhir import PatientSearch, search_patients, translate
from subgraphs.runtime.gathering import Answer

_ANY = {"status": "active,proposed,suspended,inactive"}
_ACTIVE = {"status": "active"}
"""US Core promises no search for care teams without a status, and a list of them only perhaps."""


class Server(PatientSearch, Protocol):
    """The part of a FHIR server these questions need."""

    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


class DirectoryServer(Server, Protocol):
    async def capabilities(self) -> Capabilities: ...

    def crawl(
        self, resource_type: str, others: Mapping[str, str | Sequence[str]] | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]: ...


class FhirTeams:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._takes_lists = True

    async def care_teams(self, patients: Sequence[str]) -> Answer[CareTeam]:
        if not self._takes_lists:
            return await self._teams(patients, _ACTIVE)
        try:
            return await self._teams(patients, _ANY)
        except Rejected:
            found = await self._teams(patients, _ACTIVE)
            # Only now is it known that it was the list that it declined.
            self._takes_lists = False
            return found

    async def _teams(self, patients: Sequence[str], status: Mapping[str, str]) -> Answer[CareTeam]:
        return await search_patients(self._server, "CareTeam", CareTeam, patients, status)

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

    async def named(self, words: Sequence[str]) -> Sequence[Practitioner]:
        return await self._listed(Practitioner, {"name": list(words)})

    async def practising(self, specialty: str) -> Sequence[PractitionerRole]:
        return await self._listed(PractitionerRole, {"specialty": specialty})

    async def roles_of(self, practitioners: Sequence[str]) -> Answer[PractitionerRole]:
        found = await self._server.search_by("PractitionerRole", "practitioner", practitioners)
        return translate(found, PractitionerRole, _is_role_of)

    async def _listed(
        self, model: type[SharedT], params: Mapping[str, str | Sequence[str]]
    ) -> Sequence[SharedT]:
        """What a search finds; an unreadable row is left out, as nothing tells whose it is."""
        found: list[SharedT] = []
        async for page in self._server.crawl(model.__name__, params):
            answer = translate({"": page}, model, lambda _record, _key: True)
            found += answer.rows[""]
            if len(found) > MOST:
                raise TooManyError
        return found

    async def _searches(self, type_: str, param: str) -> bool:
        return (type_, param) in (await self._server.capabilities()).search_params


def _has(record: SharedT, token: str) -> bool:
    return any(f"{each.system or ''}|{each.value or ''}" == token for each in record.identifier)


def _is_role_of(role: PractitionerRole, practitioner: str) -> bool:
    whose = role.practitioner
    return whose is not None and whose.id_of("Practitioner") == practitioner
