"""What the sources tell of patients, read when a decision needs it and remembered for a while.

A source is asked about all patients of a moment at once, and never twice about one at a time. Where
it does not answer, what it told last is still there, beside a report that says so.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Generic, TypeAlias, TypeVar

import structlog

from subgraphs.connectors.errors import SourceState, UpstreamError
from subgraphs.runtime.access_facts import LinkSet
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Answer, Gathered, SourceReport

T = TypeVar("T")

FRESH: Final = 30.0
"""Seconds for which an answer of a source is good."""
PATIENCE: Final = 3.0
"""Seconds a decision waits for it: less than a subgraph waits for governance."""
CAPACITY: Final = 50_000
"""Patients that are remembered."""
_log = structlog.get_logger(__name__)

Read: TypeAlias = Callable[[str, Sequence[str]], Awaitable[Answer[T]]]
"""Asks a source about some of its patients."""


@dataclass(frozen=True, slots=True)
class _Told(Generic[T]):
    """What a source told last of one of its patients, and how it did since."""

    rows: tuple[T, ...]
    report: SourceReport
    asked_at: float


_Answers: TypeAlias = dict[Link, _Told[T]]


class Remembered(Generic[T]):
    def __init__(
        self,
        what: str,
        sources: Collection[str],
        read: Read[T],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`what` is how the log calls it."""
        self._what = what
        self._sources = sources
        self._read = read
        self._now = now
        self._clock = clock
        self._known: OrderedDict[Link, _Told[T]] = OrderedDict()
        self._asking: dict[Link, asyncio.Task[_Answers[T]]] = {}
        self._states: dict[str, SourceState] = {}

    async def look_up(self, link_sets: Sequence[LinkSet]) -> list[Gathered[T]]:
        """Each person's, from every source that serves them; a failure is in the reports."""
        wanted: dict[str, dict[Link, None]] = {source: {} for source in self._sources}
        for links in link_sets:
            for link in links:
                if link.source in wanted:
                    wanted[link.source][link] = None
        answers = await asyncio.gather(*(self._of_source(*each) for each in wanted.items()))
        told = {link: each for answer in answers for link, each in answer.items()}
        return [_gathered(told[link] for link in links if link in told) for links in link_sets]

    def forget(self) -> None:
        self._known.clear()

    async def _of_source(self, source: str, links: Iterable[Link]) -> _Answers[T]:
        told: _Answers[T] = {}
        running: set[asyncio.Task[_Answers[T]]] = set()
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

    async def _ask(self, source: str, links: Sequence[Link]) -> _Answers[T]:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._read(source, [link.id for link in links])
            self._note(source, SourceState.OK)
        except (UpstreamError, TimeoutError) as error:
            state = error.state if isinstance(error, UpstreamError) else SourceState.TIMEOUT
            self._note(source, state)
            told = {link: self._last_told(link, state, asked_at) for link in links}
        else:
            told = {link: self._told(link, answer, asked_at) for link in links}
        self._known |= told
        while len(self._known) > CAPACITY:
            self._known.popitem(last=False)
        return told

    def _told(self, link: Link, answer: Answer[T], asked_at: float) -> _Told[T]:
        state = SourceState.INVALID if link.id in answer.damaged else SourceState.OK
        rows = tuple(answer.rows.get(link.id, ()))
        return _Told(rows, SourceReport(link.source, state, self._now()), asked_at)

    def _last_told(self, link: Link, state: SourceState, asked_at: float) -> _Told[T]:
        report = SourceReport(link.source, state)
        last = self._known.get(link)
        if last is None:
            return _Told((), report, asked_at)
        return _Told(last.rows, replace(report, as_of=last.report.as_of), asked_at)

    def _asked(self, links: Iterable[Link]) -> None:
        for link in links:
            self._asking.pop(link, None)

    def _note(self, source: str, state: SourceState) -> None:
        before = self._states.get(source, SourceState.OK)
        self._states[source] = state
        if state is not before:
            answered = state is SourceState.OK
            tell = _log.info if answered else _log.warning
            tell(f"{self._what}_{'read' if answered else 'unread'}", source=source, state=state)


def _gathered(told: Iterable[_Told[T]]) -> Gathered[T]:
    rows: list[T] = []
    reports: dict[str, SourceReport] = {}
    for each in told:
        rows += each.rows
        earlier = reports.get(each.report.source)
        if earlier is None or earlier.answered:
            reports[each.report.source] = each.report
    return Gathered(tuple(rows), tuple(reports.values()))
