"""Read all patients of all sources into the index: at start, and again from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec
import structlog

from subgraphs.connectors.errors import ProtocolViolation, UpstreamError
from subgraphs.identity.index.store import PatientIndex
from subgraphs.identity.model import PatientResource

_log = structlog.get_logger(__name__)


class PatientServer(Protocol):
    """The part of a FHIR server the crawl needs."""

    def crawl(self, resource_type: str) -> AsyncIterator[list[dict[str, Any]]]: ...


class Crawler:
    def __init__(
        self,
        index: PatientIndex,
        servers: Mapping[str, PatientServer],
        now: Callable[[], datetime],
    ) -> None:
        self._index = index
        self._servers = servers
        self._now = now
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Crawl every source at once; one that fails keeps what the index has of it."""
        async with self._lock:
            outcomes = await asyncio.gather(*(_crawl(s) for s in self._servers.values()))
            named = dict(zip(self._servers, outcomes, strict=True))
            complete = {n: o for n, o in named.items() if not isinstance(o, UpstreamError)}
            failed = {n: o.state for n, o in named.items() if isinstance(o, UpstreamError)}
            await self._index.absorb(complete, failed, self._now())
        for source, records in complete.items():
            _log.info("source crawled", source=source, patients=len(records))
        for source, state in failed.items():
            _log.warning("crawl failed", source=source, state=state.value)

    async def keep_fresh(self, every: float) -> None:
        """Crawl at once and again every so many seconds, until cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - the next round may do better
                _log.error("crawl broke off", kind=type(error).__name__)
            await asyncio.sleep(every)


async def _crawl(server: PatientServer) -> dict[str, PatientResource] | UpstreamError:
    found = {}
    try:
        async for page in server.crawl("Patient"):
            for resource in page:
                patient = msgspec.convert(resource, PatientResource)
                if patient.active:
                    found[patient.id] = patient
    except UpstreamError as error:
        return error
    except msgspec.ValidationError:
        # Half a list would retire the patients missing from it.
        return ProtocolViolation("a patient of the source cannot be read")
    return found
