from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind, applied


def interface_key_missing_implementation_type(supergraph: Supergraph) -> Iterator[Problem]:
    """Who resolves an interface by its key must know every object behind it."""
    subgraphs = supergraph.subgraphs
    for name, kind in subgraphs.kinds.items():
        if kind is not Kind.INTERFACE:
            continue
        everywhere = set(subgraphs.implementations.get(name, ()))
        for subgraph, type_ in subgraphs.sources(name).items():
            resolvable = [
                key
                for key in applied(type_, "key")
                if key.arguments.get("resolvable", True) is not False
            ]
            own = subgraphs.by_name[subgraph].subgraph.possible_types(name)
            missing = sorted(everywhere - own)
            if type_.kind is Kind.INTERFACE and resolvable and missing:
                message = (
                    f'"{name}" has a resolvable key but its implementations'
                    f" {', '.join(missing)} are not defined here"
                )
                code = "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE"
                yield problem(code, message, subgraph, resolvable[0].node)
