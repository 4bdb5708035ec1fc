from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import ROOTS, Subgraph
from gateway.composition.upgrade import is_extension


def extension_with_no_base(supergraph: Supergraph) -> Iterator[Problem]:
    """Somebody must define what others extend; only roots need no definition."""
    for name in supergraph.types:
        sources = supergraph.subgraphs.sources(name)
        if name in ROOTS.values() or any(type_.defined for type_ in sources.values()):
            continue
        for subgraph, type_ in sources.items():
            if type_.extended:
                message = f'"{name}" is extended but no subgraph defines it'
                yield problem("EXTENSION_WITH_NO_BASE", message, subgraph, type_.node)


def federation_1_extension_with_no_base(subgraphs: Sequence[Subgraph]) -> Iterator[Problem]:
    """The same before the upgrade, which makes definitions of Federation 1's extensions."""
    for subgraph in subgraphs:
        if subgraph.version is not None:
            continue
        for type_ in subgraph.types.values():
            if type_.name in ROOTS.values() or not is_extension(type_):
                continue
            others = [o.types.get(type_.name) for o in subgraphs if o is not subgraph]
            if not any(other and other.defined for other in others):
                message = f'"{type_.name}" is extended but no other subgraph defines it'
                yield problem("EXTENSION_WITH_NO_BASE", message, subgraph.name, type_.node)
