"""Rows from several sources, and the state each source was in when it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

from subgraphs.connectors.errors import SourceState, UpstreamError
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import SourcesDownError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """What one source says about several patients, keyed by its own patient ids."""

    rows: Mapping[str, Sequence[T_co]]
    damaged: frozenset[str] = frozenset()
    """Patients of whom some record could not be read."""


Ask: TypeAlias = Callable[[Sequence[str]], Awaitable[Answer[T_co]]]
"""One question to one source about a batch of its patients."""


@dataclass(frozen=True, slots=True)
class Record(Generic[T_co]):
    """A resource, where it came from and when we received it."""

    source: str
    patient: str
    resource: T_co
    received_at: datetime


@dataclass(frozen=True, slots=True)
class SourceReport:
    """The state of one source; a failed one says nothing about which patients it knows."""

    source: str
    state: SourceState
    as_of: datetime | None = None
    retry_after: float | None = None

    @property
    def answered(self) -> bool:
        return self.state in (SourceState.OK, SourceState.STALE)


@dataclass(frozen=True, slots=True)
class Gathered(Generic[T_co]):
    """One patient's rows from every source that serves them, in order of source."""

    rows: tuple[T_co, ...] = ()
    sources: tuple[SourceReport, ...] = ()

    def joined(self, other: Gathered[T_co]) -> Gathered[T_co]:
        """With what the same sources answered to another question; a failure stays one.

        A row that answers both is there twice.
        """
        reports = {report.source: report for report in other.sources}
        reports |= {r.source: r for r in self.sources if r.state is not SourceState.OK}
        kept = tuple(reports.get(report.source, report) for report in self.sources)
        return Gathered((*self.rows, *other.rows), kept)

    def or_raise(self, source: str | None = None) -> Gathered[T_co]:
        """Itself, unless nothing at all could be learned: then `SourcesDownError`.

        With a `source`, unless nothing could be learned from that one.
        """
        failed = [r for r in self.sources if not r.answered and source in (None, r.source)]
        if not failed or (source is None and (self.rows or len(failed) < len(self.sources))):
            return self
        waits = [report.retry_after for report in failed if report.retry_after is not None]
        raise SourcesDownError(
            [(report.source, report.state) for report in failed], min(waits, default=None)
        )


async def gather(
    link_sets: Sequence[Sequence[Link]],
    ask: Mapping[str, Ask[T]],
    now: Callable[[], datetime],
) -> list[Gathered[Record[T]]]:
    """Ask each source once about all of its patients among these people, all sources at once."""
    wanted = {
        source: sorted({link.id for links in link_sets for link in links if link.source == source})
        for source in ask
    }
    asked = [source for source, patients in wanted.items() if patients]
    answers = await asyncio.gather(*(_answer(ask[source], wanted[source]) for source in asked))
    received_at = now()
    by_source = dict(zip(asked, answers, strict=True))
    return [_collect(links, by_source, received_at) for links in link_sets]


async def _answer(ask: Ask[T], patients: Sequence[str]) -> Answer[T] | UpstreamError:
    try:
        return await ask(patients)
    except UpstreamError as error:
        return error


def _collect(
    links: Sequence[Link], answers: Mapping[str, Answer[T] | UpstreamError], received_at: datetime
) -> Gathered[Record[T]]:
    rows: list[Record[T]] = []
    reports: dict[str, SourceReport] = {}
    for source, patient in sorted(links):
        answer = answers.get(source)
        if answer is None:
            continue
        if isinstance(answer, UpstreamError):
            reports[source] = SourceReport(source, answer.state, retry_after=answer.retry_after)
            continue
        rows += [
            Record(source, patient, resource, received_at)
            for resource in answer.rows.get(patient, ())
        ]
        earlier = reports.get(source)
        damaged = patient in answer.damaged or (earlier is not None and not earlier.answered)
        state = SourceState.INVALID if damaged else SourceState.OK
        reports[source] = SourceReport(source, state, received_at)
    return Gathered(tuple(rows), tuple(reports.values()))
