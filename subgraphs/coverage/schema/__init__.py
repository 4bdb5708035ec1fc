"""The coverage subgraph as published."""

from subgraphs.coverage.schema.authorizing import Mutation
from subgraphs.coverage.schema.encounter import Encounter
from subgraphs.coverage.schema.orders import MedicationRequest
from subgraphs.coverage.schema.patient import Patient
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(None, [Patient, Encounter, MedicationRequest], mutation=Mutation)
