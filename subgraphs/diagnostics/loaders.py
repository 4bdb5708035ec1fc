"""How a patient's observations and reports are loaded, and what makes two of them the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from subgraphs.diagnostics.model import ENTERED_IN_ERROR, DiagnosticReport, Observation
from subgraphs.diagnostics.sources import SPARE, DiagnosticSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import Fact, Kind, load_facts, load_records
from subgraphs.runtime.fhir import CodeableConcept, canonical_code, subjects, tokens
from subgraphs.runtime.gathering import Answer, Ask, Gathered
from subgraphs.runtime.labelling import sensitive_subjects
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank

Diagnostics = Mapping[str, DiagnosticSource]
"""The subgraph's sources, by id."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which observations: of categories, with codes, or any; all or the newest of each code."""

    categories: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    latest: bool = False

    def matches(self, observation: Observation) -> bool:
        """Checked again here, because no upstream is trusted to have filtered."""
        coded = tokens([observation.code])
        if self.codes and not coded.intersection(self.codes):
            return False
        wanted = self.categories
        return not wanted or bool(tokens(observation.category).intersection(wanted))


EVERYTHING: Final = Question()


def _same_observation(observation: Observation) -> object:
    """One measurement in two charts: code, moment, status and every value agree."""
    code, moment = canonical_code(observation.code), rank(observation.effective)
    if code is None or not moment:
        return None
    parts = tuple((canonical_code(part.code), part.values) for part in observation.component)
    return code, moment, observation.status, observation.values, parts


def _mentioned(observation: Observation) -> Iterator[CodeableConcept | None]:
    """What its value and its parts name."""
    yield observation.value_codeable_concept
    for part in observation.component:
        yield part.code
        yield part.value_codeable_concept


OBSERVATIONS: Final[Kind[Observation]] = Kind(
    type="Observation",
    rank=lambda observation: rank(observation.effective or observation.issued),
    same=_same_observation,
    tokens=lambda o: {"category": tokens(o.category), "code": tokens([o.code])},
    retracted=lambda observation: observation.status == ENTERED_IN_ERROR,
    subject=lambda o: subjects(o.code) | sensitive_subjects(*_mentioned(o)),
)
REPORTS: Final[Kind[DiagnosticReport]] = Kind(
    type="DiagnosticReport",
    rank=lambda report: rank(report.effective or report.issued),
    # A report is a document of the source that made it.
    same=lambda _: None,
    tokens=lambda report: {"category": tokens(report.category), "code": tokens([report.code])},
    retracted=lambda report: report.status == ENTERED_IN_ERROR,
    subject=lambda r: subjects(r.code) | sensitive_subjects(*r.conclusion_code),
)


async def load_observations(
    request: Request[Diagnostics], patient: Compartment, question: Question = EVERYTHING
) -> Gathered[Fact[Observation]]:
    found = await load_facts(
        request, OBSERVATIONS, _asks(request, question), patient, question=question
    )
    if question.latest and question.codes and await _hides_all(request, patient, question, found):
        every = replace(question, latest=False)
        found = await load_facts(
            request, OBSERVATIONS, _asks(request, every), patient, question=every
        )
    rows = tuple(fact for fact in found.rows if question.matches(fact.resource))
    return Gathered(newest_of_each_code(rows) if question.latest else rows, found.sources)


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
    question: Question,
    found: Gathered[Fact[Observation]],
) -> bool:
    """Whether a source's newest of some code are all retracted or withheld, and there are more."""
    if not found.sources:
        return False
    said = await load_records(
        request, OBSERVATIONS, _asks(request, question), patient, question=question
    )
    shown = {(r.source, r.resource.id) for fact in found.rows for r in fact.records}
    are_shown: defaultdict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for record in said.rows:
        for code in tokens([record.resource.code]).intersection(question.codes):
            is_shown = (record.source, record.resource.id) in shown
            are_shown[record.source, record.patient, code].append(is_shown)
    return any(len(rows) >= SPARE and not any(rows) for rows in are_shown.values())


def _asks(request: Request[Diagnostics], question: Question) -> dict[str, Ask[Observation]]:
    return {name: _asking(source, question) for name, source in request.services.items()}


def _asking(source: DiagnosticSource, question: Question) -> Ask[Observation]:
    async def ask(patients: Sequence[str]) -> Answer[Observation]:
        if not question.codes and not question.categories:
            return await source.observations(patients)
        if not question.codes:
            return await source.by_category(patients, question.categories)
        if question.latest:
            return await source.latest_by_code(patients, question.codes)
        return await source.by_code(patients, question.codes)

    return ask
