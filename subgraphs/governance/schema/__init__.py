"""The governance subgraph as published."""

from subgraphs.governance.schema.mutation import Mutation
from subgraphs.governance.schema.patient import Patient
from subgraphs.governance.schema.query import Query
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(Query, [Patient], mutation=Mutation)
