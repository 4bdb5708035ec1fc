"""The diagnostics subgraph, put together from the configured sources."""

from __future__ import annotations

from subgraphs.deployment import Deployment, Part, interpreted
from subgraphs.diagnostics.sources.fhir import FhirDiagnostics


async def open_part(deployment: Deployment) -> Part:
    return Part(
        {
            id_: FhirDiagnostics(interpreted(server), labels=server.config.labels)
            for id_, server in deployment.searched("diagnostics").items()
        }
    )
