from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem
from gateway.composition.satisfiability.walk import find_unsatisfiable


def satisfiability(supergraph: Supergraph) -> Iterator[Problem]:
    """SATISFIABILITY_ERROR, SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES, and
    MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED: whether the subgraphs can answer what the API allows.
    """
    yield from find_unsatisfiable(supergraph)
