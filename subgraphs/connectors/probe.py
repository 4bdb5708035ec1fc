"""Whether a source is reachable, takes our credentials and speaks its protocol."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx2

from subgraphs.connectors.config import SourceConfig
from subgraphs.connectors.errors import SourceState, UpstreamError
from subgraphs.connectors.kinds import connector_of
from subgraphs.connectors.transport import open_client


@dataclass(frozen=True, slots=True)
class Probe:
    source: str
    state: SourceState
    seconds: float
    message: str
    """What is wrong, in words that are safe to show; empty if nothing is."""
    offers: tuple[str, ...] = ()
    """What the source says it can do, for example `FHIR 4.0.1`, `batch`."""


async def probe(config: SourceConfig, *, network: httpx2.AsyncBaseTransport | None = None) -> Probe:
    started = time.perf_counter()
    state, message = SourceState.OK, ""
    offers: tuple[str, ...] = ()
    async with open_client(config, network=network) as client:
        try:
            offers = await connector_of(config.kind)(config, client).probe()
        except UpstreamError as error:
            state, message = error.state, str(error)
    return Probe(config.id, state, time.perf_counter() - started, message, offers)
