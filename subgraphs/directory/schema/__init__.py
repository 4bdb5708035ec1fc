"""The directory subgraph as published."""

from subgraphs.directory.schema.query import Query
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(Query)
