from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.composition.merge.leaves import value_sources
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Hint
from gateway.composition.schema import Kind


def descriptions(supergraph: Supergraph) -> Iterator[Hint]:
    """INCONSISTENT_DESCRIPTION: only one of different descriptions reaches the supergraph."""
    subgraphs = supergraph.subgraphs
    for name, kind in subgraphs.kinds.items():
        sources = subgraphs.sources(name)
        yield from _hint(name, (type_.description for type_ in sources.values()))
        if kind is Kind.ENUM:
            for value, values in value_sources(sources).items():
                found = [one.description for one in values.values() if one]
                yield from _hint(f"{name}.{value}", found)
        for field, fields in subgraphs.field_sources(name).items():
            present = [
                one.description
                for subgraph, one in fields.items()
                if one and not subgraphs.by_name[subgraph].facts.is_external(one)
            ]
            yield from _hint(f"{name}.{field}", present)


def _hint(coordinate: str, found: Iterable[str | None]) -> Iterator[Hint]:
    if len({text for text in found if text}) > 1:
        message = f'"{coordinate}" is described differently: the most frequent text is used'
        yield Hint("INCONSISTENT_DESCRIPTION", message, coordinate)
