"""The records subgraph, put together from the configured sources."""

from __future__ import annotations

from subgraphs.deployment import Deployment, Part, interpreted
from subgraphs.records.sources.fhir import FhirRecords


async def open_part(deployment: Deployment) -> Part:
    servers = deployment.searched("records")
    return Part({id_: FhirRecords(interpreted(server)) for id_, server in servers.items()})
