"""Read a supergraph: every type and field, and how each subgraph joins in.

Any composer's output is read: join v0.1 to v0.5, whether linked by `@link` or by the older `@core`,
under its own name or another. https://specs.apollo.dev/join/v0.3/

Two schemas come with it. `api_schema` is what clients see; `full_schema` still has the elements
that are `@inaccessible`, which plans may fetch but no client may ask for. Neither has any
machinery: no `join__…`, no `link__…`, no directives but GraphQL's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse

from gateway.federation.api_schema import (
    add_defer,
    build_schema,
    strip_inaccessible,
    strip_machinery,
)
from gateway.federation.errors import SupergraphError
from gateway.federation.join import (
    ContextArgument,
    EntityKey,
    JoinField,
    JoinType,
    Subgraph,
    SupergraphField,
    SupergraphType,
    TypeKind,
    read_subgraphs,
    read_types,
)
from gateway.federation.link import JOIN, Link, Links, read_links

__all__ = [
    "ContextArgument",
    "EntityKey",
    "JoinField",
    "JoinType",
    "Subgraph",
    "Supergraph",
    "SupergraphError",
    "SupergraphField",
    "SupergraphType",
    "TypeKind",
    "load_supergraph",
]

JOIN_VERSIONS = ("v0.1", "v0.2", "v0.3", "v0.4", "v0.5")


@dataclass(frozen=True, slots=True, eq=False)
class Supergraph:
    subgraphs: Mapping[str, Subgraph]
    """By name, in the supergraph's order."""
    types: Mapping[str, SupergraphType]
    """Objects, interfaces and unions, hidden ones too."""
    roots: Mapping[str, str]
    """`query`, `mutation`, `subscription`, where there are, to the names of their types."""
    api_schema: GraphQLSchema
    full_schema: GraphQLSchema
    document: DocumentNode
    """As parsed, with every directive."""

    @property
    def override_labels(self) -> frozenset[str]:
        """Which of these hold for a request decides who resolves an overridden field."""
        return frozenset(
            join.override_label
            for type_ in self.types.values()
            for field in type_.fields.values()
            for join in field.joins.values()
            if join.override_label is not None
        )


def load_supergraph(sdl: str) -> Supergraph:
    """Raise `SupergraphError` for anything that is not a supergraph."""
    try:
        document = parse(sdl)
    except GraphQLError as error:
        raise SupergraphError(f"the supergraph is not valid GraphQL: {error}") from None
    links = read_links(document)
    join = _join_link(links)
    subgraphs = read_subgraphs(document, join)
    full = strip_machinery(document, links)
    full_schema = build_schema(full)
    return Supergraph(
        subgraphs={subgraph.name: subgraph for subgraph in subgraphs.values()},
        types=read_types(document, links, join, subgraphs),
        roots=_roots(full_schema),
        api_schema=add_defer(build_schema(strip_inaccessible(full, links))),
        full_schema=full_schema,
        document=document,
    )


def _join_link(links: Links) -> Link:
    join = links.of(JOIN)
    if join is None:
        raise SupergraphError(
            "the schema does not link the join specification, so it is no supergraph; "
            "compose the subgraphs first"
        )
    if str(join.url.version) not in JOIN_VERSIONS:
        raise SupergraphError(
            f"the supergraph uses join {join.url.version}; "
            f"this gateway reads {JOIN_VERSIONS[0]} to {JOIN_VERSIONS[-1]}"
        )
    return join


def _roots(schema: GraphQLSchema) -> Mapping[str, str]:
    types = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    return {kind: type_.name for kind, type_ in types.items() if type_ is not None}
