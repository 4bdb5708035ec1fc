from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import Kind


def interface_object_usage(supergraph: Supergraph) -> Iterator[Problem]:
    """INTERFACE_OBJECT_USAGE_ERROR: it stands for another's interface, and for its objects."""
    subgraphs = supergraph.subgraphs
    for name, kind in subgraphs.kinds.items():
        if kind is not Kind.INTERFACE:
            continue
        sources = subgraphs.sources(name)
        everywhere = [m for m in subgraphs.members if name in m.subgraph.types]
        # Where the kinds do not match at all, that is the problem to speak of.
        is_consistent = len(sources) == len(everywhere)
        if is_consistent and not any(t.kind is Kind.INTERFACE for t in sources.values()):
            message = f'"{name}" is an @interfaceObject in every subgraph, an interface in none'
            first = next(iter(sources))
            node = sources[first].node
            yield problem("INTERFACE_OBJECT_USAGE_ERROR", message, first, node)
        for subgraph, type_ in sources.items():
            own_types = subgraphs.by_name[subgraph].subgraph.types
            objects = [o for o in subgraphs.implementations.get(name, ()) if o in own_types]
            if type_.kind is Kind.OBJECT and objects:
                message = f'"{name}" is an @interfaceObject beside its {", ".join(objects)}'
                yield problem("INTERFACE_OBJECT_USAGE_ERROR", message, subgraph, type_.node)
