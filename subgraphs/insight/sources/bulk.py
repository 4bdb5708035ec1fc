"""Keep the store as new as the sources' exports: in the background, a file at a time.

A round asks each source for what has changed since its last whole export, or for everything where
none is whole, a measure speaks of something new, or a week has passed. What is read stays read when
a round breaks off; a source's `as of` moves only once all of it was read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec
import structlog

from subgraphs.connectors.bulk.exporter import Exporter
from subgraphs.connectors.bulk.lines import Row
from subgraphs.connectors.bulk.manifest import File, Manifest
from subgraphs.connectors.errors import (
    Expired,
    ProtocolViolation,
    SourceState,
    TimedOut,
    Unavailable,
    Unreachable,
    UpstreamError,
)
from subgraphs.insight.measures.definition import PATIENT
from subgraphs.insight.model import Member, Said
from subgraphs.insight.sources.reading import Unreadable, read_member, read_said
from subgraphs.insight.store.store import Plan, SourceExport, Store
from subgraphs.runtime.access_facts import Persons
from subgraphs.runtime.errors import ClientError

TRIES: Final = 3
"""Of one file: another's bytes are not asked for again."""
RETRY_SECONDS: Final = 15.0
PERSONS: Final = 500
"""Patients in one question whose they are."""
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
_log = structlog.get_logger(__name__)


class Progress(msgspec.Struct, frozen=True):
    """How the store stands, for operators: no patient is in it."""

    sources: tuple[SourceExport, ...]
    unknown: int
    """Patients whose person the index does not know: they are not counted."""
    is_running: bool
    rounds: int


class Refresher:
    def __init__(
        self,
        store: Store,
        exporters: Mapping[str, Exporter],
        facts: Persons,
        now: Callable[[], datetime],
        report: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._exporters = exporters
        self._facts = facts
        self._now = now
        self._report = report
        self._asked = asyncio.Event()
        self._rounds = 0

    async def refresh(self) -> bool:
        """One round of all sources, one after the other; whether each was read to its end."""
        await self._tell(running=True)
        states = [await self._refresh(name, each) for name, each in self._exporters.items()]
        await self.resolve(everybody=True)
        self._rounds += 1
        await self._tell(running=False)
        return all(states)

    def ask(self) -> None:
        """Begin the next round now."""
        self._asked.set()

    async def keep_fresh(
        self, every: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """At once and every so many seconds, sooner when asked or after a failure."""
        while True:
            try:
                is_complete = await self.refresh()
                await self._resolve_rest(sleep)
            except Exception as error:  # noqa: BLE001 - the next round may do better
                _log.error("exports broke off", kind=type(error).__name__)
                is_complete = False
            pause = every if is_complete else min(every, RETRY_SECONDS)
            waiting = asyncio.ensure_future(self._asked.wait())
            sleeping = asyncio.ensure_future(sleep(pause))
            try:
                await asyncio.wait([waiting, sleeping], return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
                sleeping.cancel()
            self._asked.clear()

    async def resolve(self, *, everybody: bool) -> int:
        """Learn whose the records are, of all or of those not known yet; how many stay unknown."""
        members = await self._store.members(unknown=not everybody)
        known = 0
        for start in range(0, len(members), PERSONS):
            some = members[start : start + PERSONS]
            try:
                persons = await self._facts.persons(some)
            except ClientError:
                # Without identity nobody is anybody's; whom it knew before stays so.
                _log.warning("identity does not answer")
                return len(members) - known
            await self._store.note_persons(some, persons)
            known += len(persons)
        return len(members) - known

    async def _resolve_rest(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """The index may still be reading the sources when their exports are in."""
        for pause in _PAUSES:
            if not await self._store.members(unknown=True):
                break
            await sleep(pause)
            before = len(await self._store.members(unknown=True))
            if await self.resolve(everybody=False) < before:
                await self._tell(running=False)

    async def _refresh(self, source: str, exporter: Exporter) -> bool:
        plan = await self._store.begin(source, self._now())
        try:
            await self._export(source, exporter, plan)
        except Expired:
            # The next round starts a new one.
            await self._store.note_job(source, None)
            await self._fail(source, SourceState.INVALID)
        except UpstreamError as error:
            if not isinstance(error, Unreachable | TimedOut | Unavailable):
                await self._store.note_job(source, None)
            await self._fail(source, error.state)
        else:
            return True
        return False

    async def _export(self, source: str, exporter: Exporter, plan: Plan) -> None:
        job = plan.job
        if job is None:
            job = await exporter.start(self._store.measures.exported, plan.since)
            await self._store.note_job(source, job)
        manifest = await exporter.finished(job)
        reading = _Reading(self._store, source, plan)
        # Patients first: a label may depend on how old someone was.
        for file in sorted(manifest.output, key=lambda file: file.type != PATIENT):
            if file.url not in plan.done:
                await _with_patience(lambda f=file: reading.read(exporter, manifest, f))  # type: ignore[misc]
                await self._store.note_done(source, file.url)
        for file in manifest.deleted:
            await _with_patience(lambda f=file: reading.forget(exporter, manifest, f))  # type: ignore[misc]
        complaints = await exporter.complaints(manifest)
        await exporter.clear(job)
        if complaints:
            await self._store.note_job(source, None)
            _log.warning("export is not whole", source=source, issues=dict(complaints))
            raise ProtocolViolation("the source could not export all that was asked for")
        await self._store.finish(
            source,
            plan,
            manifest.transaction_time,
            self._now(),
            rows=reading.rows,
            unreadable=reading.unreadable,
        )
        _log.info("export read", source=source, rows=reading.rows, unreadable=reading.unreadable)

    async def _fail(self, source: str, state: SourceState) -> None:
        _log.warning("export failed", source=source, state=state.value)
        await self._store.fail(source, state)

    async def _tell(self, *, running: bool) -> None:
        unknown = len(await self._store.members(unknown=True))
        exports = tuple(await self._store.exports())
        self._report(Progress(exports, unknown, running, self._rounds))


class _Reading:
    """One export's lines on their way into the store; a batch is parsed in a thread."""

    def __init__(self, store: Store, source: str, plan: Plan) -> None:
        self._store = store
        self._source = source
        self._round = plan.round
        self.rows = 0
        self.unreadable = 0

    async def read(self, exporter: Exporter, manifest: Manifest, file: File) -> None:
        async for batch in exporter.rows(manifest, file):
            members, said, unreadable = await asyncio.to_thread(self._parse, batch)
            if members:
                await self._store.take_members(self._source, self._round, members)
            if said:
                await self._store.take_said(self._source, self._round, said)
            self.rows += len(batch)
            self.unreadable += unreadable

    async def forget(self, exporter: Exporter, manifest: Manifest, file: File) -> None:
        async for keys in exporter.deletions(manifest, file):
            await self._store.forget(self._source, keys)

    def _parse(self, batch: list[Row]) -> tuple[list[Member], list[Said], int]:
        members: list[Member] = []
        said: list[Said] = []
        unreadable = 0
        measures = self._store.measures
        for row in batch:
            try:
                if row.type == PATIENT:
                    members.append(read_member(row))
                elif row.type in measures.exported:
                    said.append(read_said(row, measures))
            except Unreadable:
                # One unreadable record must not hide the others.
                unreadable += 1
        return members, said, unreadable


async def _with_patience(read: Callable[[], Awaitable[None]]) -> None:
    """Again from the file's start where its bytes did not arrive: what was read is read over."""
    for tries_left in reversed(range(TRIES)):
        try:
            await read()
        except (Unreachable, TimedOut, Unavailable, ProtocolViolation):
            if not tries_left:
                raise
        else:
            return
