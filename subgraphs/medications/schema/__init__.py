"""The medications subgraph as published."""

from subgraphs.medications.schema.refills import Mutation
from subgraphs.medications.schema.types import Patient
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(None, [Patient], mutation=Mutation)
