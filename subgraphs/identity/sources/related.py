"""Who stands by a patient, from a FHIR R4 server: a search by `patient`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.identity.model import RelatedPersonResource
from subgraphs.runtime.fhir import PatientSearch, search_patients
from subgraphs.runtime.gathering import Answer

_TYPE: Final = "RelatedPerson"


class Server(PatientSearch, Protocol):
    async def capabilities(self) -> Capabilities: ...


class FhirRelated:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def related_persons(self, patients: Sequence[str]) -> Answer[RelatedPersonResource]:
        """Nobody, of a server that says what it has, and has none of them: a payer's, mostly."""
        offered = (await self._server.capabilities()).types
        if offered and _TYPE not in offered:
            return Answer(dict.fromkeys(patients, ()))
        return await search_patients(self._server, _TYPE, RelatedPersonResource, patients)
