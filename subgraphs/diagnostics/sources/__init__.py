"""What the diagnostics subgraph asks of a source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from subgraphs.connectors.fhir.binary import Binary
from subgraphs.diagnostics.model import (
    DiagnosticReport,
    ImagingStudy,
    Media,
    Observation,
    ServiceRequest,
    Specimen,
)
from subgraphs.runtime.gathering import Answer

SPARE: Final = 3
"""Rows fetched for a newest one: should it be retracted or withheld, the one before it counts."""

IS_CODE: Final = re.compile(r"[^\s,|$\\]{1,200}")
"""What a search parameter takes as one code: a comma would make it two."""


class DiagnosticSource(Protocol):
    """Each question takes a batch of the source's own patient ids."""

    async def observations(self, patients: Sequence[str]) -> Answer[Observation]:
        """All observations, whatever their category."""
        ...

    async def by_code(self, patients: Sequence[str], codes: Sequence[str]) -> Answer[Observation]:
        """All observations with one of these codes, whatever the system."""
        ...

    async def latest_by_code(
        self, patients: Sequence[str], codes: Sequence[str]
    ) -> Answer[Observation]:
        """At least the `SPARE` newest observations of each code, or all where there are fewer.

        A source that labels gives all: an older one may close what is about the same.
        """
        ...

    async def reports(self, patients: Sequence[str]) -> Answer[DiagnosticReport]: ...

    async def orders(self, patients: Sequence[str]) -> Answer[ServiceRequest]: ...

    async def studies(self, patients: Sequence[str]) -> Answer[ImagingStudy]: ...

    async def media(self, patients: Sequence[str]) -> Answer[Media]: ...

    async def specimens(self, ids: Sequence[str]) -> Mapping[str, Specimen]:
        """By the source's own ids, which is all that US Core promises; unknown ones left out."""
        ...

    async def contents(self, urls: Sequence[str]) -> Mapping[str, Binary]:
        """What lies at the URLs that its reports name; what it lacks is left out."""
        ...


def joined(answers: Sequence[Answer[Observation]]) -> Answer[Observation]:
    """Several answers about the same patients; a row found twice is one row."""
    rows: dict[str, dict[str, Observation]] = {}
    for answer in answers:
        for patient, found in answer.rows.items():
            rows.setdefault(patient, {}).update({row.id: row for row in found})
    damaged = frozenset().union(*(answer.damaged for answer in answers))
    return Answer({patient: list(found.values()) for patient, found in rows.items()}, damaged)
