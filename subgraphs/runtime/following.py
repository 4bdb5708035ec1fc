"""Where a fact's references lead: to other facts of its patient, and to whom it names.

Ids are each source's own, so every record's references are read with the source they stand in. A
fact of two sources may lead to one and the same fact twice, or to one that only one of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import strawberry

from subgraphs.runtime.facts import Fact
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.kinds import RecordT
from subgraphs.runtime.request import Request
from subgraphs.runtime.sealing import RecordRef

Read: TypeAlias = Callable[[Any], Iterable[Reference | None] | Reference | None]
"""The references of a record, or its one."""


def refs_of(fact: Fact[Any], type_: str, read: Read) -> list[RecordRef]:
    """What the fact refers to that is of this type, the leading record's first."""
    found = (
        RecordRef(record.source, type_, id_, record.patient)
        for record in fact.leading
        for reference in _each(read(record.resource))
        if (id_ := reference.id_of(type_)) is not None
    )
    return list(dict.fromkeys(found))


def followed(rows: Iterable[Fact[RecordT]], refs: Sequence[RecordRef]) -> list[Fact[RecordT]]:
    """Those of the facts that are referred to, in the order they are referred to."""
    wanted = {(ref.source, ref.id): place for place, ref in reversed(list(enumerate(refs)))}
    found = []
    for fact in rows:
        places = [wanted[key] for key in _keys(fact) if key in wanted]
        if places:
            found.append((min(places), fact))
    return [fact for _, fact in sorted(found, key=lambda each: each[0])]


def pointing(
    rows: Iterable[Fact[RecordT]], type_: str, read: Read, held: Iterable[tuple[str, str]]
) -> list[Fact[RecordT]]:
    """Those of the facts that refer to a record of these sources and ids."""
    wanted = set(held)
    return [
        fact
        for fact in rows
        if any((ref.source, ref.id) in wanted for ref in refs_of(fact, type_, read))
    ]


def held_by(fact: Fact[Any]) -> list[tuple[str, str]]:
    """The source and id of every record of a fact, older versions too."""
    return _keys(fact)


def sealed(request: Request[Any], subgraph: str, refs: Sequence[RecordRef]) -> list[strawberry.ID]:
    """The ids of nodes of another subgraph, which decides itself who may see them."""
    return [strawberry.ID(request.subgraph.ids.seal(subgraph, ref)) for ref in refs]


def _each(read: Iterable[Reference | None] | Reference | None) -> list[Reference]:
    if read is None or isinstance(read, Reference):
        return [read] if read is not None else []
    return [reference for reference in read if reference is not None]


def _keys(fact: Fact[Any]) -> list[tuple[str, str]]:
    return [(r.source, r.resource.id) for r in (*fact.records, *fact.replaced)]
