"""How a patient's observations and reports are loaded.

Whether a row may be shown depends on others: one that a source labelled closes what is about the
same, whenever and wherever. So together with what is asked for everything is loaded that shares a
code with it, and what is shown of a fact does not depend on what else was asked for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from subgraphs.diagnostics.kinds import (
    OBSERVATIONS,
    REPORTS,
    measured_of,
)
from subgraphs.diagnostics.model import (
    DiagnosticReport,
    Observation,
)
from subgraphs.diagnostics.sources import IS_CODE, SPARE, DiagnosticSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import Fact, Rounds, load_facts, load_records
from subgraphs.runtime.fhir import canonical_code, tokens
from subgraphs.runtime.gathering import Answer, Ask, Gathered, Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.units.analytes import analytes

Diagnostics = Mapping[str, DiagnosticSource]
"""The subgraph's sources, by id."""

# A comma would make it two.
_ONE_VALUE: Final = re.compile(r"[^\s,|$\\]{1,200}")
_MOST_ROUNDS: Final = 3
"""A test has a code or two; whoever chains more together is asked for everything."""


@dataclass(frozen=True, slots=True)
class Search:
    """What the sources are asked: everything, or what has one of these codes."""

    codes: tuple[str, ...] = ()
    latest: bool = False
    """At least the newest of each code."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which observations: of categories, with codes or of analytes, or any; all or the newest."""

    categories: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    analytes: tuple[str, ...] = ()
    """By their ids in `runtime.units`."""
    latest: bool = False

    @property
    def search(self) -> Search:
        """By bare codes, since sources spell their systems differently, and by no category.

        A copy that another source filed elsewhere is a copy all the same. What cannot be one value
        of a search parameter is no source's code: nothing is asked by it, and nothing matches it.
        """
        of_analytes = (code for id_ in self.analytes for code in analytes()[id_].codes)
        bare = {code.rpartition("|")[2] for code in (*self.codes, *of_analytes)}
        bare = set(filter(_ONE_VALUE.fullmatch, bare))
        return Search(tuple(sorted(bare)), self.latest and bool(bare))

    def matches(self, observation: Observation) -> bool:
        """Checked again here, because no upstream is trusted to have filtered."""
        if self.codes or self.analytes:
            analyte = measured_of(observation)
            is_of = analyte is not None and analyte.id in self.analytes
            if not is_of and not tokens([observation.code]).intersection(self.codes):
                return False
        wanted = self.categories
        return not wanted or bool(tokens(observation.category).intersection(wanted))


EVERYTHING: Final = Question()


async def load_observations(
    request: Request[Diagnostics], patient: Compartment, question: Question = EVERYTHING
) -> Gathered[Fact[Observation]]:
    search = question.search
    found = await _load(request, patient, search)
    if search.latest and await _hides_all(request, patient, search, found):
        found = await _load(request, patient, replace(search, latest=False))
    rows = tuple(fact for fact in found.rows if question.matches(fact.resource))
    return Gathered(newest_of_each_code(rows) if question.latest else rows, found.sources)


async def _load(
    request: Request[Diagnostics], patient: Compartment, search: Search
) -> Gathered[Fact[Observation]]:
    return await load_facts(
        request,
        OBSERVATIONS,
        _asks(request, search),
        patient,
        question=search,
        rounds=partial(_closing, request, search),
    )


def _closing(request: Request[Diagnostics], search: Search) -> Rounds[Observation]:
    """Ask for whatever else is about the same, until every code of every row has been asked for."""
    asked, further = set(search.codes), iter(range(_MOST_ROUNDS))

    def follow(found: Sequence[Record[Observation]]) -> Mapping[str, Ask[Observation]] | None:
        codes = {code for record in found for code in _bare_codes(record.resource)}
        more = tuple(sorted(codes - asked)) if search.codes else ()
        if not more or (number := next(further, None)) is None:
            return None
        asked.update(more)
        return _asks(request, Search() if number == _MOST_ROUNDS - 1 else Search(more))

    return follow


def _bare_codes(observation: Observation) -> Iterator[str]:
    for coding in observation.code.coding if observation.code else ():
        if coding.system and coding.code and IS_CODE.fullmatch(coding.code):
            yield coding.code


async def load_reports(
    request: Request[Diagnostics], patient: Compartment
) -> Gathered[Fact[DiagnosticReport]]:
    ask = {name: source.reports for name, source in request.services.items()}
    return await load_facts(request, REPORTS, ask, patient)


def newest_of_each_code(facts: Sequence[Fact[Observation]]) -> tuple[Fact[Observation], ...]:
    """Of facts with one code the newest; of several at one moment the one with the least id."""
    newest: dict[str, Fact[Observation]] = {}
    for fact in sorted(facts, key=lambda fact: fact.id):
        code = fact.resource.code
        key = canonical_code(code) or (code.text if code else None) or fact.id
        if key not in newest or newest[key].rank < fact.rank:
            newest[key] = fact
    return tuple(newest.values())


async def _hides_all(
    request: Request[Diagnostics],
    patient: Compartment,
    search: Search,
    found: Gathered[Fact[Observation]],
) -> bool:
    """Whether a source's newest of some code are all retracted or withheld, and there are more."""
    if not found.sources:
        return False
    said = await load_records(
        request, OBSERVATIONS, _asks(request, search), patient, question=search
    )
    shown = {(r.source, r.resource.id) for fact in found.rows for r in fact.records}
    are_shown: defaultdict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for record in said.rows:
        for code in tokens([record.resource.code]).intersection(search.codes):
            is_shown = (record.source, record.resource.id) in shown
            are_shown[record.source, record.patient, code].append(is_shown)
    return any(len(rows) >= SPARE and not any(rows) for rows in are_shown.values())


def _asks(request: Request[Diagnostics], search: Search) -> dict[str, Ask[Observation]]:
    return {name: _asking(source, search) for name, source in request.services.items()}


def _asking(source: DiagnosticSource, search: Search) -> Ask[Observation]:
    async def ask(patients: Sequence[str]) -> Answer[Observation]:
        if not search.codes:
            return await source.observations(patients)
        coded = source.latest_by_code if search.latest else source.by_code
        return await coded(patients, search.codes)

    return ask
