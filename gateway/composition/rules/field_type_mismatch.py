from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.composition.merge.fields import resolving_sources
from gateway.composition.merge.references import merge_references
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Field, Kind


def field_type_mismatch(supergraph: Supergraph) -> Iterator[Problem]:
    """The types a field has in the subgraphs must be one another's subtypes."""
    subgraphs = supergraph.subgraphs
    for name, kind in subgraphs.kinds.items():
        if kind not in (Kind.OBJECT, Kind.INTERFACE, Kind.INPUT):
            continue
        is_input = kind is Kind.INPUT
        for sources in subgraphs.field_sources(name).values():
            fields = resolving_sources(subgraphs, sources)
            types = [field.type for field in fields.values()]
            if not merge_references(types, subgraphs.is_possible, is_input=is_input).compatible:
                yield _mismatch(fields)


def _mismatch(fields: Mapping[str, Field]) -> Problem:
    said = ", ".join(f'"{field.type}" in "{subgraph}"' for subgraph, field in fields.items())
    subgraph, field = list(fields.items())[-1]
    message = f'Field "{field.coordinate}" has incompatible types: {said}'
    return problem("FIELD_TYPE_MISMATCH", message, subgraph, field.node)
