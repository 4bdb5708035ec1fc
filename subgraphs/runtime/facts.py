"""Facts: records of several sources that say the same, as one node with every provenance.

Records of different sources are one fact when everything its kind calls `same` agrees; where they
disagree they stay two facts, both shown. Merging comes before the access decision, so a label that
one source put on a fact holds for the other source's unlabelled copy too.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from contract.errors import Code
from subgraphs.runtime import fhir
from subgraphs.runtime.access import SENSITIVE, Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.gathering import Ask, Gathered, Record, gather
from subgraphs.runtime.labelling import labels_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef

RecordT = TypeVar("RecordT", bound=fhir.PatientRecord)


@dataclass(frozen=True, slots=True)
class Kind(Generic[RecordT]):
    """What the runtime must know of a resource type."""

    type: str
    rank: Callable[[RecordT], str]
    """Sorts lists: the greatest first."""
    same: Callable[[RecordT], Hashable | None]
    """What agrees between two sources' records of one fact; None keeps a record apart."""
    tokens: Callable[[RecordT], Tokens] = lambda _: {}
    """Values of the search parameters that granular scopes may name."""
    retracted: Callable[[RecordT], bool] = lambda _: False
    """Entered in error: no fact at all."""
    subject: Callable[[RecordT], frozenset[str]] = lambda _: frozenset()
    """What it is about, each as `system|code`: a sensitive label holds for all of a patient's facts
    about the same, and some codes are sensitive by themselves (`runtime.labelling`)."""


@dataclass(frozen=True, slots=True)
class Fact(Generic[RecordT]):
    kind: Kind[RecordT]
    id: str
    compartment: Compartment
    """Whose it is."""
    records: tuple[Record[RecordT], ...]
    """In order of source; the first one's values are shown."""
    security: tuple[fhir.Coding, ...]

    @property
    def patient(self) -> str:
        """The enterprise id."""
        return self.compartment.patient

    @property
    def resource(self) -> RecordT:
        return self.records[0].resource

    @property
    def type(self) -> str:
        return self.kind.type

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(coding.code for coding in self.security if coding.code)

    @property
    def tokens(self) -> Tokens:
        merged: defaultdict[str, set[str]] = defaultdict(set)
        for record in self.records:
            for name, values in self.kind.tokens(record.resource).items():
                merged[name].update(values)
        return merged

    @property
    def subjects(self) -> frozenset[str]:
        """By every record: one source may code it in a system that the first one lacks."""
        return frozenset[str]().union(*(self.kind.subject(r.resource) for r in self.records))

    @property
    def rank(self) -> str:
        return self.kind.rank(self.resource)

    def holds(self, ref: RecordRef) -> bool:
        return any((r.source, r.resource.id) == (ref.source, ref.id) for r in self.records)


async def load_facts(
    request: Request[Any],
    kind: Kind[RecordT],
    ask: Mapping[str, Ask[RecordT]],
    compartment: Compartment,
    *,
    question: Hashable = (),
) -> Gathered[Fact[RecordT]]:
    """The patient's facts the caller may see; all patients of the moment share the upstream calls.

    `question` tells apart loads that ask the sources for different things. Raises
    `SourcesDownError` when no source answered.
    """
    if not request.access.may_read(kind.type, compartment):
        return Gathered()
    loaded = await load_records(request, kind, ask, compartment, question=question)
    facts = merge(request, kind, loaded.or_raise().rows, compartment)
    permitted = tuple(fact for fact in facts if request.access.permits(fact, compartment))
    return Gathered(permitted, loaded.sources)


async def load_records(
    request: Request[Any],
    kind: Kind[RecordT],
    ask: Mapping[str, Ask[RecordT]],
    compartment: Compartment,
    *,
    question: Hashable = (),
) -> Gathered[Record[RecordT]]:
    """What the sources said, before anything is decided: for no eyes outside of the subgraph.

    Asked again in one request, a question is answered from what it was answered before.
    """

    async def batch(link_sets: list[tuple[Link, ...]]) -> list[Gathered[Record[RecordT]]]:
        return await gather(link_sets, ask, request.subgraph.now)

    return await request.load((kind.type, question), batch, compartment.links)


async def load_by_id(
    request: Request[Any],
    kind: Kind[RecordT],
    ids: Sequence[object],
    load: Callable[[Compartment], Any],
) -> list[Fact[RecordT] | Exception]:
    """The fact behind each sealed id, or the error to put in its place.

    `load` gives a patient's permitted facts. An unknown id, a foreign one and one the caller may
    not see are all the same NOT_FOUND.
    """
    refs = [request.open(kind.type, id_) for id_ in ids]
    known = [ref for ref in refs if ref is not None]
    compartments = dict(zip(known, await request.compartments(known), strict=True))
    wanted = {c.patient: c for c in compartments.values() if c}
    loaded: list[Gathered[Fact[RecordT]] | Exception] = await asyncio.gather(
        *(_attempt(load, c) for c in wanted.values())
    )
    found = dict(zip(wanted, loaded, strict=True))
    return [_pick(ref, compartments.get(ref) if ref else None, found) for ref in refs]


def merge(
    request: Request[Any],
    kind: Kind[RecordT],
    records: Iterable[Record[RecordT]],
    compartment: Compartment,
) -> list[Fact[RecordT]]:
    """Records to facts; independent of the order the records come in."""
    groups: defaultdict[Hashable, list[Record[RecordT]]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (record.source, record.resource.id)):
        if kind.retracted(record.resource):
            continue
        sameness = kind.same(record.resource)
        key = (record.source, record.resource.id) if sameness is None else ("same", sameness)
        groups[key].append(record)
    members = [fact for group in groups.values() for fact in _one_of_each_source(group)]
    facts = [_fact(request, kind, records, compartment) for records in members]
    return _spread_labels(facts)


def _one_of_each_source(group: Sequence[Record[RecordT]]) -> list[tuple[Record[RecordT], ...]]:
    # Two records of one source are two facts to that source: its n-th joins the others' n-th.
    facts: list[list[Record[RecordT]]] = []
    used: defaultdict[str, int] = defaultdict(int)
    for record in group:
        place = used[record.source]
        used[record.source] += 1
        if place == len(facts):
            facts.append([])
        facts[place].append(record)
    return [tuple(records) for records in facts]


def _fact(
    request: Request[Any],
    kind: Kind[RecordT],
    records: tuple[Record[RecordT], ...],
    compartment: Compartment,
) -> Fact[RecordT]:
    first = records[0]
    id_ = request.seal(kind.type, first.source, first.resource.id, first.patient)
    labels = {label.token: label for record in records for label in record.resource.meta.security}
    for record in records:
        labels |= {label.token: label for label in labels_of(kind.subject(record.resource))}
    return Fact(kind, id_, compartment, records, tuple(labels.values()))


def _spread_labels(facts: list[Fact[RecordT]]) -> list[Fact[RecordT]]:
    """Give a sensitive fact's labels to the same patient's facts about the same subject."""
    by_subject: defaultdict[str, dict[str, fhir.Coding]] = defaultdict(dict)
    for fact in facts:
        for subject in fact.subjects:
            for label in fact.security:
                if label.code in SENSITIVE:
                    by_subject[subject][label.token] = label
    if not by_subject:
        return facts
    return [_labelled(fact, by_subject) for fact in facts]


def _labelled(
    fact: Fact[RecordT], by_subject: Mapping[str, Mapping[str, fhir.Coding]]
) -> Fact[RecordT]:
    found = [by_subject[s] for s in fact.subjects if s in by_subject]
    if not found:
        return fact
    labels = {label.token: label for label in fact.security}
    for others in found:
        labels |= others
    return replace(fact, security=tuple(labels.values()))


async def _attempt(
    load: Callable[[Compartment], Any], compartment: Compartment
) -> Gathered[Fact[RecordT]] | Exception:
    try:
        gathered: Gathered[Fact[RecordT]] = await load(compartment)
    except ClientError as error:
        return error
    return gathered


def _pick(
    ref: RecordRef | None,
    compartment: Compartment | None,
    found: Mapping[str, Gathered[Fact[RecordT]] | Exception],
) -> Fact[RecordT] | Exception:
    if ref is None or compartment is None:
        return ClientError(Code.NOT_FOUND)
    gathered = found[compartment.patient]
    if isinstance(gathered, Exception):
        return gathered
    fact = next((fact for fact in gathered.rows if fact.holds(ref)), None)
    if fact is not None:
        return fact
    failed = [s for s in gathered.sources if s.source == ref.source and not s.answered]
    if failed:
        return SourcesDownError([(s.source, s.state) for s in failed])
    return ClientError(Code.NOT_FOUND)
