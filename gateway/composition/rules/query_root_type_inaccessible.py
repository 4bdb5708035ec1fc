from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.problems import Problem, problem
from gateway.composition.schema import has


def query_root_type_inaccessible(supergraph: Supergraph) -> Iterator[Problem]:
    """Without a visible query there is no API."""
    if has(supergraph.types["Query"], "inaccessible"):
        yield problem("QUERY_ROOT_TYPE_INACCESSIBLE", '"Query" is hidden but every API needs it')
