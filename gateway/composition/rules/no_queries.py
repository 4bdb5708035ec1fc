from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem


def no_queries(supergraph: Supergraph) -> Iterator[Problem]:
    if "Query" not in supergraph.roots:
        yield problem("NO_QUERIES", "No subgraph has a query: a supergraph must have one")
