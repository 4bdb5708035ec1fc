"""The query graph of a supergraph, with everything that is written in it as text checked."""

from __future__ import annotations

from gateway.federation.field_set import FieldSetError, parse_field_set
from gateway.federation.supergraph import Supergraph, SupergraphError
from gateway.planning.query_graph import QueryGraph, named_type


def build_query_graph(supergraph: Supergraph) -> QueryGraph:
    """Raise `SupergraphError` where a key, `@requires` or `@provides` cannot be read."""
    graph = QueryGraph(supergraph)
    for type_ in supergraph.types.values():
        for join in type_.joins.values():
            for key in join.keys:
                _read(graph, type_.name, key.fields, f"a key of {type_.name}")
        for field_ in type_.fields.values():
            what = f"{type_.name}.{field_.name}"
            for field_join in field_.joins.values():
                if field_join.requires is not None:
                    _read(graph, type_.name, field_join.requires, f"what {what} requires")
                for argument in field_join.context_arguments:
                    _parse(argument.selection, f"what {what} takes from its context")
                if field_join.provides is not None:
                    target = named_type(field_join.type)
                    _read(graph, target, field_join.provides, f"what {what} provides")
    return graph


def _read(graph: QueryGraph, type_name: str, text: str, what: str) -> None:
    try:
        graph.field_set(type_name, text)
    except (FieldSetError, KeyError) as error:
        raise SupergraphError(f"{what} is no field set of {type_name}: {error}") from None


def _parse(text: str, what: str) -> None:
    """Of which type it is a field set depends on the way to the field."""
    try:
        parse_field_set(text)
    except FieldSetError as error:
        raise SupergraphError(f"{what} is no field set: {error}") from None
