"""Everybody with a gap by one measure: the worklist of a population."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from subgraphs.insight.loaders.exports import REPORT, Insight, load_exports
from subgraphs.insight.loaders.gaps import Gap, assess, rank_of
from subgraphs.insight.measures.definition import Measure
from subgraphs.insight.store.database import Connection
from subgraphs.insight.store.evaluation import Asked, Lack, Outcome, concerned, evaluate
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.gathering import SourceReport
from subgraphs.runtime.request import Request

_WINDOW: Final = 50
"""People looked at more closely in one go."""
_PEOPLE: Final = 1_000
"""In one question what they have directed."""


@dataclass(frozen=True, slots=True)
class Page:
    gaps: tuple[Gap, ...]
    has_next: bool


async def list_cohort(
    request: Request[Insight],
    measure: Measure,
    *,
    after: tuple[str, str] | None,
    size: int,
    lacks: Collection[Lack] | None = None,
) -> Page:
    """The patients with a gap by a measure behind a place, the longest overdue first.

    Everybody is counted roughly, without labelled records. Whoever has any, or has directed who may
    see the records, or is about to be shown, is then looked at as closely as a patient asked for
    alone. Only who is shown was read.
    """
    exports = await load_exports(request)
    types = (REPORT, *request.services.measures.types(measure))
    if not all(request.access.may_read_whole(type_) for type_ in types):
        return Page((), has_next=False)
    ranks = await _ranks(request, measure, exports)
    behind = sorted(p for p, own in ranks.items() if after is None or _is_behind((own, p), after))
    behind.sort(key=lambda person: ranks[person], reverse=True)
    found: list[Gap] = []
    for start in range(0, len(behind), _WINDOW):
        window = behind[start : start + _WINDOW]
        people = await _compartments(request, window)
        gaps = await assess(request, list(people.values()), [measure], exports)
        for person in window:
            if person in people:
                own = gaps.get(people[person].patient, [])
                found += [gap for gap in own if lacks is None or gap.lack in lacks]
        if len(found) > size:
            break
    shown = tuple(found[:size])
    for gap in shown:
        request.access.may_read(REPORT, gap.compartment)
    return Page(shown, has_next=len(found) > size)


def _is_behind(place: tuple[str, str], after: tuple[str, str]) -> bool:
    return place[0] < after[0] or (place[0] == after[0] and place[1] > after[1])


async def _ranks(
    request: Request[Insight], measure: Measure, exports: Sequence[SourceReport]
) -> dict[str, str]:
    """Everybody who may have the gap, and how long it has been due."""
    on = request.subgraph.now().date()

    def count(cursor: Connection) -> tuple[list[Outcome], list[str], dict[str, tuple[Link, ...]]]:
        outcomes = evaluate(cursor, measure, Asked.everybody(), on)
        return outcomes, *concerned(cursor, sorted(measure.concepts))

    outcomes, closed, links = await request.services.store.read(count)
    doubtful = sorted({*closed, *await _directed(request, links)})
    ranks = {each.person: rank_of(each.due) for each in outcomes if each.lack}
    for person in doubtful:
        ranks.pop(person, None)
    people = await _compartments(request, doubtful)
    closely = await assess(request, list(people.values()), [measure], exports)
    for person, patient in people.items():
        for gap in closely.get(patient.patient, []):
            ranks[person] = gap.rank
    return ranks


async def _directed(
    request: Request[Insight], links: Mapping[str, tuple[Link, ...]]
) -> Iterable[str]:
    """Of these people, who has directed anything about who may see the records."""
    people = list(links)
    found: list[str] = []
    for start in range(0, len(people), _PEOPLE):
        some = people[start : start + _PEOPLE]
        said = await request.subgraph.facts.directives([links[person] for person in some])
        found += [person for person, own in zip(some, said, strict=True) if own.consents]
    return found


async def _compartments(
    request: Request[Insight], persons: Sequence[str]
) -> dict[str, Compartment]:
    """Who these people of the store are now, each once; leaves out whom the index knows no more."""
    rows = await request.services.store.read(
        lambda c: c.execute(
            "SELECT person, min(source), arg_min(patient, source) FROM member "
            "WHERE person IN (SELECT unnest($1::VARCHAR[])) GROUP BY person",
            [list(persons)],
        ).fetchall()
    )
    links = {person: Link(source, patient) for person, source, patient in rows}
    known = await request.subgraph.facts.persons(list(links.values())) if links else {}
    found: dict[str, Compartment] = {}
    taken: set[str] = set()
    for person, link in links.items():
        now = known.get(link)
        if now is not None and now.id not in taken:
            taken.add(now.id)
            found[person] = Compartment(now.id, tuple(sorted(now.links)), now.born)
    directed = await asyncio.gather(*map(request.directed, found.values()))
    # A worklist is no emergency: no glass is broken for it.
    whole = (replace(each, ruling=replace(each.ruling, grant=None)) for each in directed)
    return dict(zip(found, whole, strict=True))
