from __future__ import annotations

from collections.abc import Iterator

from gateway.composition.problems import Problem, problem
from gateway.composition.read import ParsedSubgraph


def invalid_subgraph_name(parsed: ParsedSubgraph) -> Iterator[Problem]:
    """A name is needed to speak of a subgraph; `_` is the supergraph's own."""
    if parsed.name in {"", "_"}:
        message = f'Invalid name "{parsed.name}" for a subgraph: it is reserved'
        yield problem("INVALID_SUBGRAPH_NAME", message, parsed.name)
