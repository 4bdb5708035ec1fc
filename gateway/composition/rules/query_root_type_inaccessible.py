from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import has
from gateway.composition.whereabouts import whereabouts


def query_root_type_inaccessible(supergraph: Supergraph) -> Iterator[Problem]:
    """Without a visible query there is no API."""
    query = supergraph.types["Query"]
    if has(query, "inaccessible"):
        message = '"Query" is hidden, or everything in it: an API needs something to ask for'
        place = whereabouts(supergraph.subgraphs, query)
        yield problem("QUERY_ROOT_TYPE_INACCESSIBLE", message, *place)
