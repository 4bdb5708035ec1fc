"""Read all patients of all sources into the index: at start, and again from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

import msgspec
import structlog

from subgraphs.connectors.errors import SourceState, UpstreamError
from subgraphs.identity.index.store import PatientIndex, said_by
from subgraphs.identity.model import PatientResource, read_patient

RETRY_SECONDS: Final = 15.0
"""A source that was down at start has nobody in the index: it is not left waiting for long."""

ResultT = TypeVar("ResultT")

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
        self.has_been_round = False
        """Whether every source has been asked once, whatever came of it."""

    async def refresh(self) -> bool:
        """Crawl every source at once; one that fails keeps what the index has of it.

        Returns whether every source could be reached.
        """
        async with self._lock:
            round_ = await _whole(self._index.start_round())
            crawls = (self._crawl(name, server, round_) for name, server in self._servers.items())
            are_complete = await asyncio.gather(*crawls)
            self.has_been_round = True
            return all(are_complete)

    async def _crawl(self, source: str, server: PatientServer, round_: int) -> bool:
        """Take in a source's patients page by page, so that no crawl is too large for memory."""
        count, is_whole, at = 0, True, self._now()
        try:
            async for page in server.crawl("Patient"):
                found, is_readable = _read(page)
                is_whole = is_whole and is_readable
                said = {patient.id: said_by(patient, at) for patient in found}
                await _whole(self._index.take(source, said, at, round_))
                count += len(said)
        except UpstreamError as error:
            await _whole(self._index.finish_crawl(source, error.state, round_, None))
            _log.warning("crawl failed", source=source, state=error.state.value)
            return False
        # One unreadable patient must neither hide the others nor be retired.
        state = SourceState.OK if is_whole else SourceState.INVALID
        await _whole(self._index.finish_crawl(source, state, round_, at))
        _log.info("source crawled", source=source, patients=count, whole=is_whole)
        return True

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


async def _whole(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Do it to the end even if the crawl is cancelled: a transaction has no half."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _read(page: list[dict[str, Any]]) -> tuple[list[PatientResource], bool]:
    """The patients in use, and whether all on the page could be read."""
    found = []
    is_readable = True
    for resource in page:
        try:
            patient = read_patient(resource)
        except msgspec.ValidationError:
            is_readable = False
            continue
        if patient.active:
            found.append(patient)
    return found, is_readable
