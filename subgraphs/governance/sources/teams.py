"""Who is on a patient's care teams, as one of the caller's conditions in a consent.

Members are practitioners, in person or by a role; whoever else is on a team signs in as nobody a
token could name. https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-careteam.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from subgraphs.runtime.fhir import (
    Element,
    Period,
    Reference,
    Resource,
    search_patients,
    translate,
)
from subgraphs.runtime.gathering import Answer
from subgraphs.runtime.practitioners import Numbered, Server, read_numbers, search_numbers

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


class TeamSource(Protocol):
    base: str
    """The source's own URL, without a slash at its end."""

    async def teams(self, patients: Sequence[str]) -> Answer[CareTeam]:
        """Each patient's active ones."""
        ...

    async def roles(self, ids: Sequence[str]) -> Sequence[Role]: ...

    async def practitioners(self, ids: Sequence[str]) -> Answer[Numbered]:
        """Each by its id."""
        ...

    async def numbered(self, numbers: Sequence[str]) -> Answer[Numbered]:
        """Each by an NPI."""
        ...


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
        if not ids:
            return []
        found = await self._server.read(ROLE, ids)
        rows = {id_: [row] for id_, row in found.items()}
        answer = translate(rows, Role, lambda each, id_: each.id == id_)
        return [each for named in answer.rows.values() for each in named]

    async def practitioners(self, ids: Sequence[str]) -> Answer[Numbered]:
        return await read_numbers(self._server, ids) if ids else Answer({})

    async def numbered(self, numbers: Sequence[str]) -> Answer[Numbered]:
        return await search_numbers(self._server, numbers)
