"""Who is on a patient's care teams, as one of the caller's conditions in a consent.

Members are practitioners, in person or by a role; whoever else is on a team signs in as nobody a
token could name. https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-careteam.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from subgraphs.runtime.fhir import (
    Element,
    Identifier,
    PatientSearch,
    Period,
    Reference,
    Resource,
    search_patients,
    translate,
)
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.npi import NPI, npi_of

SharedT = TypeVar("SharedT", bound=Resource)

PRACTITIONER: Final = "Practitioner"
ROLE: Final = "PractitionerRole"
_ACTIVE: Final = "active"


class TeamMember(Element, frozen=True):
    member: Reference | None = None
    period: Period | None = None


class CareTeam(Resource, frozen=True, kw_only=True):
    status: str | None = None
    subject: Reference | None = None
    participant: tuple[TeamMember, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.subject


class Role(Resource, frozen=True, kw_only=True):
    practitioner: Reference | None = None


class Practitioner(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()

    @property
    def npi(self) -> str | None:
        return npi_of(self.identifier)


class TeamSource(Protocol):
    base: str
    """The source's own URL, without a slash at its end."""

    async def teams(self, patients: Sequence[str]) -> Answer[CareTeam]:
        """Each patient's active ones."""
        ...

    async def roles(self, ids: Sequence[str]) -> Sequence[Role]: ...

    async def practitioners(self, ids: Sequence[str]) -> Sequence[Practitioner]: ...

    async def numbered(self, numbers: Sequence[str]) -> Sequence[Practitioner]:
        """Those who have one of these NPIs."""
        ...


class Server(PatientSearch, Protocol):
    async def read(
        self, resource_type: str, ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, Any]]: ...


class FhirTeams:
    def __init__(self, server: Server, base: str) -> None:
        self.base = base.rstrip("/")
        self._server = server

    async def teams(self, patients: Sequence[str]) -> Answer[CareTeam]:
        status = {"status": _ACTIVE}
        found = await search_patients(self._server, "CareTeam", CareTeam, patients, status)
        # No upstream is trusted to have searched as asked.
        rows = found.rows.items()
        active = {id_: [each for each in teams if each.status == _ACTIVE] for id_, teams in rows}
        return Answer(active, found.damaged)

    async def roles(self, ids: Sequence[str]) -> Sequence[Role]:
        return await self._read(Role, ROLE, ids)

    async def practitioners(self, ids: Sequence[str]) -> Sequence[Practitioner]:
        return await self._read(Practitioner, PRACTITIONER, ids)

    async def numbered(self, numbers: Sequence[str]) -> Sequence[Practitioner]:
        tokens = {f"{NPI}|{number}": number for number in numbers}
        found = await self._server.search_by(PRACTITIONER, "identifier", tokens)
        rows = {tokens[token]: found.get(token, []) for token in tokens}
        answer = translate(rows, Practitioner, lambda each, number: each.npi == number)
        return [each for named in answer.rows.values() for each in named]

    async def _read(self, model: type[SharedT], type_: str, ids: Sequence[str]) -> list[SharedT]:
        if not ids:
            return []
        found = await self._server.read(type_, ids)
        rows = {id_: [row] for id_, row in found.items()}
        answer = translate(rows, model, lambda each, id_: each.id == id_)
        return [each for named in answer.rows.values() for each in named]
