"""What the sources hold of consents, read when a decision needs it and remembered for a while.

A source is asked about all patients of a moment at once, and never twice about one at a time. Where
it does not answer, what it told last still denies, and whatever is labelled of its records is
closed: it may have been told something else since.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

import msgspec
import structlog

from subgraphs.connectors.errors import SourceState, UpstreamError
from subgraphs.governance.model import ConsentStatus, HeldConsent
from subgraphs.governance.reading import (
    Holder,
    is_about_privacy,
    named_organizations,
    provision_of,
)
from subgraphs.governance.sources.consents import ConsentResource, ConsentSource
from subgraphs.governance.store.store import GovernanceStore
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.consent import Directives
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.directives import Standing
from subgraphs.runtime.gathering import Gathered, SourceReport

FRESH: Final = 30.0
"""Seconds for which an answer of a source is good."""
PATIENCE: Final = 3.0
"""Seconds a decision waits for it: less than a subgraph waits for governance."""
CAPACITY: Final = 50_000
"""Patients of a source that are remembered."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a source told last of one of its patients, and how it did since."""

    consents: tuple[HeldConsent, ...]
    report: SourceReport
    asked_at: float


_Answers: TypeAlias = dict[Link, _Told]


class HeldConsents:
    def __init__(
        self,
        sources: Mapping[str, ConsentSource],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._now = now
        self._clock = clock
        self._known: OrderedDict[Link, _Told] = OrderedDict()
        self._asking: dict[Link, asyncio.Task[_Answers]] = {}
        self._states: dict[str, SourceState] = {}

    async def look_up(self, link_sets: Sequence[LinkSet]) -> list[Gathered[HeldConsent]]:
        """Each person's, from every source that serves them; a failure is in the reports."""
        wanted: dict[str, dict[Link, None]] = {source: {} for source in self._sources}
        for links in link_sets:
            for link in links:
                if link.source in wanted:
                    wanted[link.source][link] = None
        answers = await asyncio.gather(*(self._of_source(*each) for each in wanted.items()))
        told = {link: each for answer in answers for link, each in answer.items()}
        return [_gathered(told[link] for link in links if link in told) for links in link_sets]

    async def _of_source(self, source: str, links: Iterable[Link]) -> _Answers:
        told: _Answers = {}
        running: set[asyncio.Task[_Answers]] = set()
        missing = []
        for link in links:
            known = self._known.get(link)
            if known and known.report.answered and self._clock() - known.asked_at < FRESH:
                told[link] = known
            elif link in self._asking:
                running.add(self._asking[link])
            else:
                missing.append(link)
        if missing:
            # A task of its own: who asked first may give up, and others wait for it too.
            task = asyncio.create_task(self._ask(source, missing))
            self._asking |= dict.fromkeys(missing, task)
            task.add_done_callback(lambda _: self._asked(missing))
            running.add(task)
        for each in running:
            told |= await asyncio.shield(each)
        return {link: told[link] for link in links}

    async def _ask(self, source: str, links: Sequence[Link]) -> _Answers:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(PATIENCE):
                told = await self._read(source, links, asked_at)
            self._note(source, SourceState.OK)
        except (UpstreamError, TimeoutError) as error:
            state = error.state if isinstance(error, UpstreamError) else SourceState.TIMEOUT
            self._note(source, state)
            told = {link: self._last_told(link, state, asked_at) for link in links}
        self._known |= told
        while len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return told

    async def _read(self, source: str, links: Sequence[Link], asked_at: float) -> _Answers:
        asked = self._sources[source]
        answer = await asked.consents([link.id for link in links])
        rows = {
            link: [row for row in answer.rows.get(link.id, ()) if is_about_privacy(row)]
            for link in links
        }
        every = [row for found in rows.values() for row in found]
        named = named_organizations(every, asked.base)
        known = await asked.organizations(sorted(named)) if named else {}
        holder, at = Holder(source, asked.base, known), self._now()
        return {
            link: _Told(
                tuple(_held(row, link, holder, at) for row in found),
                SourceReport(
                    source,
                    SourceState.INVALID if link.id in answer.damaged else SourceState.OK,
                    at,
                ),
                asked_at,
            )
            for link, found in rows.items()
        }

    def _last_told(self, link: Link, state: SourceState, asked_at: float) -> _Told:
        report = SourceReport(link.source, state)
        last = self._known.get(link)
        if last is None:
            return _Told((), report, asked_at)
        return _Told(last.consents, replace(report, as_of=last.report.as_of), asked_at)

    def _asked(self, links: Iterable[Link]) -> None:
        for link in links:
            self._asking.pop(link, None)

    def _note(self, source: str, state: SourceState) -> None:
        before = self._states.get(source, SourceState.OK)
        self._states[source] = state
        if state is not before:
            answered = state is SourceState.OK
            tell = _log.info if answered else _log.warning
            tell("consents_read" if answered else "consents_unread", source=source, state=state)


class StandingDirectives:
    """All that stands: what is recorded here, and what the sources hold.

    `subgraphs.runtime.directives.DirectiveSource`
    """

    def __init__(self, store: GovernanceStore, held: HeldConsents) -> None:
        self._store = store
        self._held = held

    async def look_up(self, link_sets: Sequence[LinkSet]) -> Standing:
        standing, held = await asyncio.gather(
            self._store.look_up(link_sets), self._held.look_up(link_sets)
        )
        pairs = zip(standing.directives, held, strict=True) if link_sets else ()
        return Standing(standing.version, tuple(_joined(*pair) for pair in pairs))


def _held(resource: ConsentResource, link: Link, holder: Holder, at: datetime) -> HeldConsent:
    meta = resource.meta
    return HeldConsent(
        resource.id,
        meta.version_id or meta.last_updated or "",
        link,
        resource.status,
        provision_of(resource, holder),
        resource.date_time or meta.last_updated,
        meta.last_updated,
        at,
    )


def _gathered(told: Iterable[_Told]) -> Gathered[HeldConsent]:
    rows: list[HeldConsent] = []
    reports: dict[str, SourceReport] = {}
    for each in told:
        rows += each.consents
        earlier = reports.get(each.report.source)
        if earlier is None or earlier.answered:
            reports[each.report.source] = each.report
    return Gathered(tuple(rows), tuple(reports.values()))


def _joined(ours: Directives, held: Gathered[HeldConsent]) -> Directives:
    theirs = tuple(e.provision for e in held.rows if e.status is ConsentStatus.ACTIVE)
    unread = tuple(report.source for report in held.sources if not report.answered)
    if not theirs and not unread:
        return ours
    return msgspec.structs.replace(ours, consents=(*ours.consents, *theirs), unread=unread)
