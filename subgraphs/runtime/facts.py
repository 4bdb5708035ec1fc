"""Facts: records of several sources that say the same, as one node with every provenance.

What makes records of different sources one fact, and what of it they may disagree on, is told by
its kind (`runtime.kinds`) and done by `runtime.merging`. Merging comes before the access decision,
so a label that one source put on a fact holds for the other source's unlabelled copy too.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeAlias

from contract.errors import Code
from subgraphs.runtime import fhir
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.combining import combine
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.gathering import Ask, Gathered, Record, gather
from subgraphs.runtime.kinds import Kind, RecordT
from subgraphs.runtime.labelling import ages_at, labels_of
from subgraphs.runtime.merging import Conflict, Standing, conflicts_of, group, lead_first
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.sensitivity import SENSITIVE


@dataclass(frozen=True, slots=True)
class Fact(Generic[RecordT]):
    kind: Kind[RecordT]
    id: str
    compartment: Compartment
    """Whose it is."""
    records: tuple[Record[RecordT], ...]
    """What each source says of it now, in order of source."""
    replaced: tuple[Record[RecordT], ...]
    """Older versions: their ids still find the fact."""
    leading: tuple[Record[RecordT], ...]
    """The same, first the one whose values are shown."""
    resource: RecordT
    """The leading record's values, with what only the others say."""
    security: tuple[fhir.Coding, ...]

    @property
    def patient(self) -> str:
        """The enterprise id."""
        return self.compartment.patient

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
    def sources(self) -> frozenset[str]:
        return frozenset(record.source for record in (*self.records, *self.replaced))

    @property
    def subjects(self) -> frozenset[str]:
        """By every record: one source may code it in a system that the first one lacks."""
        known = (*self.records, *self.replaced)
        return frozenset[str]().union(*(self.kind.subject(r.resource) for r in known))

    @property
    def source_labels(self) -> tuple[fhir.Coding, ...]:
        known = (*self.records, *self.replaced)
        return tuple(label for record in known for label in record.resource.meta.security)

    @property
    def rank(self) -> str:
        return self.kind.rank(self.resource)

    def holds(self, ref: RecordRef) -> bool:
        known = (*self.records, *self.replaced)
        return any((r.source, r.resource.id) == (ref.source, ref.id) for r in known)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return conflicts_of(self.kind, self.records)


Rounds: TypeAlias = Callable[[Sequence[Record[RecordT]]], Mapping[str, Ask[RecordT]] | None]
"""What more to ask the sources, seeing all that was found; None when it is enough."""


async def load_facts(
    request: Request[Any],
    kind: Kind[RecordT],
    ask: Mapping[str, Ask[RecordT]],
    compartment: Compartment,
    *,
    question: Hashable = (),
    rounds: Callable[[], Rounds[RecordT]] | None = None,
) -> Gathered[Fact[RecordT]]:
    """The patient's facts the caller may see; all patients of the moment share the upstream calls.

    `question` tells apart loads that ask the sources for different things. Raises
    `SourcesDownError` when no source answered.
    """
    if not request.access.may_read(kind.type, compartment):
        return Gathered()
    loaded = await load_records(request, kind, ask, compartment, question=question, rounds=rounds)
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
    rounds: Callable[[], Rounds[RecordT]] | None = None,
) -> Gathered[Record[RecordT]]:
    """What the sources said, before anything is decided: for no eyes outside of the subgraph.

    Asked again in one request, a question is answered from what it was answered before.
    """

    async def batch(link_sets: list[tuple[Link, ...]]) -> list[Gathered[Record[RecordT]]]:
        found = await gather(link_sets, ask, request.subgraph.now)
        follow = rounds() if rounds else _enough
        while more := follow([record for gathered in found for record in gathered.rows]):
            added = await gather(link_sets, more, request.subgraph.now)
            found = [one.joined(other) for one, other in zip(found, added, strict=True)]
        return found

    return await request.load((kind.type, question), batch, compartment.links)


def _enough(_: object) -> None:
    return None


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
    facts = [_fact(request, kind, standing, compartment) for standing in group(kind, records)]
    return _spread_labels(facts)


def _fact(
    request: Request[Any],
    kind: Kind[RecordT],
    standing: Sequence[Standing[RecordT]],
    compartment: Compartment,
) -> Fact[RecordT]:
    records = tuple(each.record for each in standing)
    replaced = tuple(record for each in standing for record in each.replaced)
    leading = tuple(lead_first(kind, records))
    lead, *others = (record.resource for record in leading)
    return Fact(
        kind,
        request.seal(kind.type, records[0].source, records[0].resource.id, records[0].patient),
        compartment,
        records,
        replaced,
        leading,
        combine(lead, others) if others else lead,
        _security(kind, (*records, *replaced), compartment),
    )


def _security(
    kind: Kind[RecordT], records: Sequence[Record[RecordT]], compartment: Compartment
) -> tuple[fhir.Coding, ...]:
    """What any of its sources, in any version, has labelled it, and what its codes call for."""
    labels = {label.token: label for record in records for label in record.resource.meta.security}
    for record in records:
        ages = ages_at(compartment.born, kind.rank(record.resource))
        named = kind.subject(record.resource) | kind.mentions(record.resource)
        called_for = labels_of(named, ages)
        labels |= {label.token: label for label in called_for}
    return tuple(labels.values())


def _spread_labels(facts: list[Fact[RecordT]]) -> list[Fact[RecordT]]:
    """Give a source's sensitive labels to the same patient's facts about the same subject.

    What a rule calls for is not spread: a rule reads each record by itself, so that what it says of
    one depends on no other.
    """
    by_subject = sensitive_subjects(facts)
    return [labelled(fact, by_subject) for fact in facts] if by_subject else facts


def sensitive_subjects(facts: Iterable[Fact[Any]]) -> Mapping[str, Mapping[str, fhir.Coding]]:
    """What sources labelled as sensitive, and the labels of each."""
    by_subject: defaultdict[str, dict[str, fhir.Coding]] = defaultdict(dict)
    for fact in facts:
        for label in fact.source_labels:
            if label.code in SENSITIVE:
                for subject in fact.subjects:
                    by_subject[subject][label.token] = label
    return by_subject


def labelled(
    fact: Fact[RecordT], by_subject: Mapping[str, Mapping[str, fhir.Coding]]
) -> Fact[RecordT]:
    """The fact with the labels of whatever it is about."""
    found = [by_subject[s] for s in sorted(fact.subjects) if s in by_subject]
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
