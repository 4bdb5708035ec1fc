"""Read all patients of all sources into the index: at start, and again from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
import structlog

from subgraphs.connectors.errors import UpstreamError
from subgraphs.identity.index.store import PatientIndex
from subgraphs.identity.model import Crawled, PatientResource, read_patient

RETRY_SECONDS: Final = 15.0
"""A source that was down at start has nobody in the index: it is not left waiting for long."""

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

    async def refresh(self) -> bool:
        """Crawl every source at once; one that fails keeps what the index has of it.

        Returns whether every source could be reached.
        """
        async with self._lock:
            outcomes = await asyncio.gather(*(_crawl(s) for s in self._servers.values()))
            named = dict(zip(self._servers, outcomes, strict=True))
            crawled = {n: o for n, o in named.items() if isinstance(o, Crawled)}
            failed = {n: o.state for n, o in named.items() if isinstance(o, UpstreamError)}
            await self._index.absorb(crawled, failed, self._now())
        for source, found in crawled.items():
            _log.info(
                "source crawled", source=source, patients=len(found.patients), whole=found.is_whole
            )
        for source, state in failed.items():
            _log.warning("crawl failed", source=source, state=state.value)
        return not failed

    async def keep_fresh(
        self, every: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Crawl at once and every so many seconds, sooner after a failure, until cancelled."""
        while True:
            try:
                is_complete = await self.refresh()
            except Exception as error:  # noqa: BLE001 - the next round may do better
                _log.error("crawl broke off", kind=type(error).__name__)
                is_complete = False
            await sleep(every if is_complete else min(every, RETRY_SECONDS))


async def _crawl(server: PatientServer) -> Crawled | UpstreamError:
    found: dict[str, PatientResource] = {}
    is_whole = True
    try:
        async for page in server.crawl("Patient"):
            for resource in page:
                try:
                    patient = read_patient(resource)
                except msgspec.ValidationError:
                    # One unreadable patient must neither hide the others nor be retired.
                    is_whole = False
                    continue
                if patient.active:
                    found[patient.id] = patient
    except UpstreamError as error:
        return error
    return Crawled(found, is_whole)
