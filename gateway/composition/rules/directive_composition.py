from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem


def directive_composition(supergraph: Supergraph) -> Iterator[Problem]:
    """DIRECTIVE_COMPOSITION_ERROR: what `@composeDirective` asks for cannot be given."""
    for complaint in supergraph.composable.custom.complaints:
        node = complaint.directive.node if complaint.directive else None
        code = "DIRECTIVE_COMPOSITION_ERROR"
        yield problem(code, complaint.message, complaint.subgraph, node)
