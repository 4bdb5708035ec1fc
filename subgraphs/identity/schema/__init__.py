"""The identity subgraph as published."""

from subgraphs.identity.schema.mutation import Mutation
from subgraphs.identity.schema.query import Query
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(Query, mutation=Mutation)
