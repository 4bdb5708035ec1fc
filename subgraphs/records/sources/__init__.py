"""What the records subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from subgraphs.records.model import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)
from subgraphs.runtime.gathering import Answer


class RecordSource(Protocol):
    """Each question takes a batch of the source's own patient ids."""

    async def encounters(self, patients: Sequence[str]) -> Answer[Encounter]: ...

    async def conditions(self, patients: Sequence[str]) -> Answer[Condition]: ...

    async def allergies(self, patients: Sequence[str]) -> Answer[AllergyIntolerance]: ...

    async def procedures(self, patients: Sequence[str]) -> Answer[Procedure]: ...

    async def immunizations(self, patients: Sequence[str]) -> Answer[Immunization]: ...
