"""What the directory subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from subgraphs.directory.model import (
    CareTeam,
    PatientsProviders,
    Practitioner,
    PractitionerRole,
    Shared,
)
from subgraphs.runtime.gathering import Answer

SharedT = TypeVar("SharedT", bound=Shared)


MOST: Final = 1000
"""Rows of a source that a search without keys may find."""


class TooManyError(Exception):
    """A search finds more than can be listed; it has to ask for less."""


class TeamSource(Protocol):
    """Each question takes a batch of the source's own patient ids."""

    async def care_teams(self, patients: Sequence[str]) -> Answer[CareTeam]: ...

    async def responsible(self, patients: Sequence[str]) -> Answer[PatientsProviders]: ...


class DirectorySource(Protocol):
    """The type of a resource is that of its model's name."""

    base: str
    """The source's own URL, without a slash at its end."""

    async def read(self, model: type[SharedT], ids: Sequence[str]) -> Answer[SharedT]:
        """Each by its id."""
        ...

    async def identified(self, model: type[SharedT], tokens: Sequence[str]) -> Answer[SharedT]:
        """All with an identifier, `system|value`; none where the source does not search by it."""
        ...

    async def named(self, words: Sequence[str]) -> Sequence[Practitioner]:
        """All with names that begin so, or `TooManyError`."""
        ...

    async def practising(self, specialty: str) -> Sequence[PractitionerRole]:
        """All roles of a specialty, a code or `system|code`; or `TooManyError`."""
        ...

    async def roles_of(self, practitioners: Sequence[str]) -> Answer[PractitionerRole]:
        """All roles of each practitioner."""
        ...
