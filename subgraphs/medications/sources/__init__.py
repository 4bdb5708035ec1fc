"""What the medications subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from subgraphs.medications.model import MedicationDispense, MedicationRequest, RefillTask
from subgraphs.runtime.gathering import Answer


class MedicationSource(Protocol):
    """Each question takes a batch of the source's own patient ids."""

    async def requests(self, patients: Sequence[str]) -> Answer[MedicationRequest]: ...

    async def dispenses(self, patients: Sequence[str]) -> Answer[MedicationDispense]: ...

    async def refills(self, patients: Sequence[str]) -> Answer[RefillTask]:
        """What was asked for about prescriptions; nothing, of a source that has no such tasks."""
        ...
