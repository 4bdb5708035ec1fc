"""Entries: what the sources say of someone or something that belongs to no patient.

An entry is to a directory what a fact is to a chart (`runtime.facts`): records of several sources
as one node with every provenance. No compartment decides who sees it, only scopes, roles and what
its own sources have labelled it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from subgraphs.runtime import fhir
from subgraphs.runtime.combining import combine
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.kinds import Kind, RecordT
from subgraphs.runtime.merging import Conflict, conflicts_of, lead_first
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens


@dataclass(frozen=True, slots=True)
class Entry(Generic[RecordT]):
    kind: Kind[RecordT]
    id: str
    records: tuple[Record[RecordT], ...]
    """What each source says of it, in order of source and id."""
    resource: RecordT
    """The values of the record changed last, with what only the others say."""

    @property
    def type(self) -> str:
        return self.kind.type

    @property
    def security(self) -> tuple[fhir.Coding, ...]:
        """Every source's labels hold for the whole."""
        labels = (label for record in self.records for label in record.resource.meta.security)
        return tuple({label.token: label for label in labels}.values())

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(label.code for label in self.security if label.code)

    @property
    def tokens(self) -> Tokens:
        merged: defaultdict[str, set[str]] = defaultdict(set)
        for record in self.records:
            for name, values in self.kind.tokens(record.resource).items():
                merged[name].update(values)
        return merged

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        return conflicts_of(self.kind, self.records)


def entry_of(
    request: Request[Any], kind: Kind[RecordT], id_: str, records: Sequence[Record[RecordT]]
) -> Entry[RecordT] | None:
    """The entry of some records, each once, if the caller may see it."""
    distinct = {(record.source, record.resource.id): record for record in records}
    ordered = tuple(distinct[key] for key in sorted(distinct))
    lead, *others = (record.resource for record in lead_first(kind, ordered))
    entry = Entry(kind, id_, ordered, combine(lead, others) if others else lead)
    return entry if request.access.permits_shared(entry) else None
