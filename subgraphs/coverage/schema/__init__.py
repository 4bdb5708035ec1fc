"""The coverage subgraph as published."""

from subgraphs.coverage.schema.types import Coverage, ExplanationOfBenefit, Patient
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(None, [Patient, Coverage, ExplanationOfBenefit])
