"""The medications subgraph as published."""

from subgraphs.medications.schema.encounters import Encounter
from subgraphs.medications.schema.refills import Mutation
from subgraphs.medications.schema.types import MedicationDispense, MedicationRequest, Patient
from subgraphs.runtime.schema import build_schema

# All by name: an entity that others name only late would not be found as one.
SCHEMA = build_schema(
    None, [Patient, Encounter, MedicationRequest, MedicationDispense], mutation=Mutation
)
