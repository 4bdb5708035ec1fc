from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLError, build_ast_schema, parse, validate_schema

from gateway.composition.merge.supergraph import Supergraph
from gateway.composition.printer import print_supergraph
from gateway.composition.problems import Problem, problem


def supergraph_invalid(supergraph: Supergraph) -> Iterator[Problem]:
    """INVALID_GRAPHQL: valid subgraphs can still add up to a type that breaks its interface."""
    document = parse(print_supergraph(supergraph), no_location=True)
    try:
        errors = validate_schema(build_ast_schema(document, assume_valid_sdl=True))
    except (TypeError, GraphQLError) as refusal:
        yield problem("INVALID_GRAPHQL", f"In the supergraph: {refusal}")
        return
    for error in errors:
        # See `invalid_graphql`: the subgraphs were allowed this, too.
        if not error.message.endswith("must not be deprecated."):
            yield problem("INVALID_GRAPHQL", f"In the supergraph: {error.message}")
