from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind, Subgraph, has


def interface_object_over_federation_1(subgraphs: Sequence[Subgraph]) -> Iterator[Problem]:
    """INTERFACE_OBJECT_USAGE_ERROR: an interface key of Federation 1 resolves no `__typename`."""
    stand_ins = {
        type_.name: subgraph
        for subgraph in subgraphs
        for type_ in subgraph.types.values()
        if subgraph.version is not None and has(type_, "interfaceObject")
    }
    for subgraph in subgraphs:
        for type_ in subgraph.types.values():
            is_keyed = type_.kind is Kind.INTERFACE and has(type_, "key")
            if subgraph.version is None and is_keyed and type_.name in stand_ins:
                message = (
                    f'"{type_.name}" is an @interfaceObject in "{stand_ins[type_.name].name}", but'
                    " a key on an interface means nothing in a Federation 1 subgraph"
                )
                code = "INTERFACE_OBJECT_USAGE_ERROR"
                yield problem(code, message, subgraph.name, type_.node)
