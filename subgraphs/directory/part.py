"""The directory subgraph, put together from the configured sources."""

from __future__ import annotations

from subgraphs.deployment import Deployment, Part
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.sources.fhir import FhirDirectory, FhirTeams


async def open_part(deployment: Deployment) -> Part:
    # What is pushed contains whom it names; a list of its own it has not.
    listing, searched = deployment.servers("directory"), deployment.searched("directory")
    return Part(
        Directory(
            {id_: FhirDirectory(server, server.config.url) for id_, server in listing.items()},
            {id_: FhirTeams(server) for id_, server in searched.items()},
        )
    )
