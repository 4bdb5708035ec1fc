"""Every record of a practitioner: at each EHR that knows the same number, and in each feed.

Who has which number hardly ever changes, so what was found is remembered for ten minutes; what a
source could not tell is asked again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import Gathered, SourceReport, gather
from subgraphs.runtime.practitioners import PRACTITIONER
from subgraphs.runtime.request import Request
from subgraphs.scheduling.sources import CalendarSource

FRESH: Final = 600.0
CAPACITY: Final = 10_000


class Practitioners:
    def __init__(
        self,
        calendars: Mapping[str, CalendarSource],
        feeds: Collection[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calendars = calendars
        self._feeds = feeds
        self._clock = clock
        self._known: OrderedDict[Link, tuple[tuple[Link, ...], float]] = OrderedDict()

    async def records_of(
        self, request: Request[Any], own: Link, number: str | None = None
    ) -> Gathered[Link]:
        """`own` first; the reports are of sources that could not tell whether they know them."""
        links, until = self._known.get(own, ((), 0.0))
        if self._clock() < until:
            return Gathered(links)
        failed: tuple[SourceReport, ...] = ()
        if number is None:
            ask = {name: source.numbers_of for name, source in self._calendars.items()}
            (found,) = await gather([(own,)], ask, request.subgraph.now)
            number = next((row.resource.npi for row in found.rows), None)
            failed = _failed(found.sources)
        same, others = await self._numbered(request, own, number) if number else ((), ())
        links, failed = (own, *same), (*failed, *others)
        if not failed:
            self._known[own] = links, self._clock() + FRESH
            while len(self._known) > CAPACITY:
                self._known.popitem(last=False)
        return Gathered(links, failed)

    def in_feeds(self, number: str) -> tuple[Link, ...]:
        """Feeds know practitioners by their numbers alone."""
        return tuple(Link(feed, number) for feed in self._feeds if number)

    async def _numbered(
        self, request: Request[Any], own: Link, number: str
    ) -> tuple[tuple[Link, ...], tuple[SourceReport, ...]]:
        ask = {n: source.numbered for n, source in self._calendars.items() if n != own.source}
        everywhere = tuple(Link(name, number) for name in ask)
        (found,) = await gather([everywhere], ask, request.subgraph.now)
        same = (Link(record.source, record.resource.id) for record in found.rows)
        return (*same, *self.in_feeds(number)), _failed(found.sources)


def named(request: Request[Any], id_: str) -> tuple[Link, str] | None:
    """Whom an id of the directory names: a record, and the number it tells, if any."""
    ref = request.subgraph.ids.open("directory", PRACTITIONER, id_)
    return (Link(ref.source, ref.id), ref.patient) if ref else None


def _failed(reports: Collection[SourceReport]) -> tuple[SourceReport, ...]:
    return tuple(report for report in reports if not report.answered)
