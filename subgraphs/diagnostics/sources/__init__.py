"""What the diagnostics subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from subgraphs.diagnostics.model import DiagnosticReport, Observation
from subgraphs.runtime.gathering import Answer

SPARE: Final = 3
"""Rows fetched for a newest one: should it be retracted or withheld, the one before it counts."""


class DiagnosticSource(Protocol):
    """Each question takes a batch of the source's own patient ids."""

    async def observations(self, patients: Sequence[str]) -> Answer[Observation]:
        """All observations, whatever their category."""
        ...

    async def by_category(
        self, patients: Sequence[str], categories: Sequence[str]
    ) -> Answer[Observation]:
        """All observations of these categories, each a code of FHIR's own system of them."""
        ...

    async def by_code(self, patients: Sequence[str], codes: Sequence[str]) -> Answer[Observation]:
        """All observations with one of these codes, each as `code` or `system|code`."""
        ...

    async def latest_by_code(
        self, patients: Sequence[str], codes: Sequence[str]
    ) -> Answer[Observation]:
        """At least the `SPARE` newest observations of each code, or all where there are fewer."""
        ...

    async def reports(self, patients: Sequence[str]) -> Answer[DiagnosticReport]: ...
