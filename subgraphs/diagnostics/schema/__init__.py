"""The diagnostics subgraph as published."""

from subgraphs.diagnostics.schema.types import Patient
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(None, [Patient])
