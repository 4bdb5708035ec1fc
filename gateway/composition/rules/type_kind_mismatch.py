from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.subgraphs import merged_kind


def type_kind_mismatch(supergraph: Supergraph) -> Iterator[Problem]:
    """A type is one kind everywhere, where an interface object counts as interface."""
    for name in supergraph.subgraphs.kinds:
        kinds = {
            member.name: merged_kind(member.subgraph.types[name])
            for member in supergraph.subgraphs.members
            if name in member.subgraph.types
        }
        if len(set(kinds.values())) > 1:
            said = ", ".join(f'{kind} in "{subgraph}"' for subgraph, kind in kinds.items())
            last = next(reversed(kinds))
            node = supergraph.subgraphs.by_name[last].subgraph.types[name].node
            message = f'"{name}" is of different kinds: {said}'
            yield problem("TYPE_KIND_MISMATCH", message, last, node)
