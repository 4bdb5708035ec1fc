"""The insight subgraph as published."""

from subgraphs.insight.schema.query import Query
from subgraphs.insight.schema.types import CareGap, Measure, Patient
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(Query, [CareGap, Measure, Patient])
