"""The coverage subgraph as published."""

import strawberry

from subgraphs.coverage.schema import authorizing, paying
from subgraphs.coverage.schema.encounter import Encounter
from subgraphs.coverage.schema.orders import MedicationRequest
from subgraphs.coverage.schema.patient import Patient
from subgraphs.coverage.schema.subscription import Subscription
from subgraphs.runtime.schema import build_schema


@strawberry.type(description="What changes something.")
class Mutation(authorizing.Mutation, paying.Mutation):
    """All of them, each from where it belongs."""


SCHEMA = build_schema(
    None,
    [Patient, Encounter, MedicationRequest],
    mutation=Mutation,
    subscription=Subscription,
)
