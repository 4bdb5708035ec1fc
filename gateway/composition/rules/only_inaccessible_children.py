from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Element, Kind, TypeDefinition, has
from gateway.composition.whereabouts import whereabouts


def only_inaccessible_children(supergraph: Supergraph) -> Iterator[Problem]:
    """A visible type must have something to see."""
    for type_ in supergraph.types.values():
        if type_.kind is Kind.SCALAR or has(type_, "inaccessible"):
            continue
        if all(has(child, "inaccessible") for child in _children(supergraph, type_)):
            message = f'"{type_.name}" is visible but nothing in it is'
            place = whereabouts(supergraph.subgraphs, type_)
            yield problem("ONLY_INACCESSIBLE_CHILDREN", message, *place)


def _children(supergraph: Supergraph, type_: TypeDefinition) -> Sequence[Element]:
    if type_.kind is Kind.UNION:
        return [supergraph.types[name] for name in type_.members]
    return [*type_.fields.values(), *type_.values.values()]
