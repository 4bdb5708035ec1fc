"""The medications subgraph, put together from the configured sources."""

from __future__ import annotations

from subgraphs.deployment import Deployment, Part, interpreted
from subgraphs.medications.loaders import Medications
from subgraphs.medications.sources.fhir import FhirMedications


async def open_part(deployment: Deployment) -> Part:
    sources = {
        id_: FhirMedications(interpreted(server), base=server.config.url)
        for id_, server in deployment.searched("medications").items()
    }
    writes = await deployment.open_writes("medications")
    return Part(Medications(sources, deployment.servers("medications"), writes))
