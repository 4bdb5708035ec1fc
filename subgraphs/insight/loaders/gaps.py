"""What patients lack, over what the caller may see of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from subgraphs.insight.loaders.exports import REPORT, Insight, load_exports
from subgraphs.insight.measures.definition import PATIENT, Measure
from subgraphs.insight.store.database import Connection
from subgraphs.insight.store.evaluation import Asked, Lack, Outcome, Told, evaluate, told
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.gathering import SourceReport
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank

CARE_GAP: Final = "CareGap"
_DAY: Final = len("YYYY-MM-DD")
_LATEST: Final = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Gap:
    """What one patient lacks by one measure, as the caller may know it."""

    compartment: Compartment
    measure: Measure
    outcome: Outcome
    exports: tuple[SourceReport, ...]
    """What it was computed over."""
    labels: frozenset[str]
    """Of the records that it rests on."""

    @property
    def as_of(self) -> datetime:
        """The oldest of the exports."""
        return min(each.as_of for each in self.exports if each.as_of)

    @property
    def lack(self) -> Lack:
        assert self.outcome.lack is not None, "else it were none"
        return self.outcome.lack

    @property
    def rank(self) -> str:
        """The longest overdue is the greatest."""
        return rank_of(self.outcome.due)

    @property
    def place(self) -> tuple[str, str]:
        return self.rank, self.compartment.patient


def rank_of(due: date) -> str:
    return f"{_LATEST - due.toordinal():07d}"


@dataclass(frozen=True, slots=True)
class _Described:
    """A patient's own record, as the access decision sees it."""

    labels: frozenset[str]
    sources: frozenset[str]
    type: str = PATIENT

    @property
    def tokens(self) -> Mapping[str, Collection[str]]:
        return {}

    @property
    def subjects(self) -> frozenset[str]:
        return frozenset()


async def load_gaps(request: Request[Insight], patient: Compartment) -> list[Gap]:
    """A patient's gaps by every measure; those of all patients of the moment in one go."""
    if not request.access.may_read(REPORT, patient):
        return []
    exports = await load_exports(request)

    async def batch(patients: list[Compartment]) -> list[list[Gap]]:
        measures = list(request.services.measures.by_id.values())
        found = await assess(request, patients, measures, exports)
        return [found.get(each.patient, []) for each in patients]

    return await request.load(CARE_GAP, batch, patient)


async def assess(
    request: Request[Insight],
    patients: Sequence[Compartment],
    measures: Sequence[Measure],
    exports: Sequence[SourceReport],
) -> dict[str, list[Gap]]:
    """The gaps of some patients by some measures, over what the caller may see of each."""
    by_id = {each.patient: each for each in patients}
    asked = _asked(by_id.values())
    concepts = sorted({concept for measure in measures for concept in measure.concepts})
    store, on = request.services.store, request.subgraph.now().date()

    def look(cursor: Connection) -> tuple[list[Told], list[tuple[str, list[str]]]]:
        labels = cursor.execute(
            f"WITH asked AS ({asked.sql}) SELECT asked.person, labels FROM asked "  # noqa: S608 - a text of ours
            "JOIN member USING (source, patient)",
            asked.values,
        ).fetchall()
        return told(cursor, asked, concepts), labels

    facts, labels = await store.read(look)
    access = request.access
    shown = _shown(request, by_id, labels)
    seen = [fact for fact in facts if access.permits(fact, by_id[fact.person])]
    hidden = sorted({fact.no for fact in facts} - {fact.no for fact in seen})
    of: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for fact in seen:
        of[fact.person, fact.concept] |= fact.labels

    def count(cursor: Connection) -> list[list[Outcome]]:
        return [evaluate(cursor, each, asked, on, hidden=hidden) for each in measures]

    gaps: dict[str, list[Gap]] = {}
    for measure, outcomes in zip(measures, await store.read(count), strict=True):
        types = request.services.measures.types(measure)
        for outcome in outcomes:
            patient = by_id[outcome.person]
            if outcome.lack is None or outcome.person not in shown:
                continue
            if all(access.may_read_whole(type_, patient) for type_ in types):
                rests_on = (of[outcome.person, concept] for concept in measure.concepts)
                labels_ = frozenset[str]().union(*rests_on)
                gap = Gap(patient, measure, outcome, tuple(exports), labels_)
                gaps.setdefault(outcome.person, []).append(gap)
    return gaps


def _shown(
    request: Request[Insight],
    patients: Mapping[str, Compartment],
    labels: Iterable[tuple[str, Sequence[str]]],
) -> set[str]:
    """Whose own record the caller may see: every source's labels hold for the whole."""
    of: dict[str, set[str]] = {}
    for person, own in labels:
        of.setdefault(person, set()).update(own)
    return {
        person
        for person, own in of.items()
        if request.access.permits(
            _Described(frozenset(own), frozenset(link.source for link in patients[person].links)),
            patients[person],
        )
    }


def _asked(patients: Iterable[Compartment]) -> Asked:
    return Asked.of([(p.patient, p.links, rank(p.born)[:_DAY] or None) for p in patients])
