from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.composable import directive_names
from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem


def link_import_name_mismatch(supergraph: Supergraph) -> Iterator[Problem]:
    """A directive that reaches the supergraph has one name there."""
    for means, names in directive_names(supergraph.subgraphs).items():
        if len(set(names.values())) > 1:
            said = ", ".join(f'"@{name}" in "{subgraph}"' for subgraph, name in names.items())
            message = f'"@{means}" is imported under different names: {said}'
            last = next(reversed(names))
            links = supergraph.subgraphs.by_name[last].subgraph.links
            source = links.source_of_directive(names[last])
            node = source[0].node if source else None
            yield problem("LINK_IMPORT_NAME_MISMATCH", message, last, node)
