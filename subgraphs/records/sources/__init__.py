"""What the records subgraph asks of a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from subgraphs.connectors.fhir.binary import Binary
from subgraphs.records.model import (
    AllergyIntolerance,
    CarePlan,
    Condition,
    Device,
    DocumentReference,
    Encounter,
    FamilyMemberHistory,
    Goal,
    Immunization,
    Procedure,
    QuestionnaireResponse,
)
from subgraphs.runtime.gathering import Answer


class RecordSource(Protocol):
    """Each question takes a batch of the source's own patient ids."""

    async def encounters(self, patients: Sequence[str]) -> Answer[Encounter]: ...

    async def conditions(self, patients: Sequence[str]) -> Answer[Condition]: ...

    async def allergies(self, patients: Sequence[str]) -> Answer[AllergyIntolerance]: ...

    async def procedures(self, patients: Sequence[str]) -> Answer[Procedure]: ...

    async def immunizations(self, patients: Sequence[str]) -> Answer[Immunization]: ...

    async def care_plans(self, patients: Sequence[str]) -> Answer[CarePlan]: ...

    async def goals(self, patients: Sequence[str]) -> Answer[Goal]: ...

    async def devices(self, patients: Sequence[str]) -> Answer[Device]: ...

    async def family(self, patients: Sequence[str]) -> Answer[FamilyMemberHistory]: ...

    async def documents(self, patients: Sequence[str]) -> Answer[DocumentReference]: ...

    async def responses(self, patients: Sequence[str]) -> Answer[QuestionnaireResponse]: ...

    async def contents(self, urls: Sequence[str]) -> Mapping[str, Binary]:
        """What lies at the URLs that its documents name; what it lacks is left out."""
        ...
