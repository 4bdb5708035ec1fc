"""The records subgraph as published."""

from subgraphs.records.schema.patient import Patient
from subgraphs.records.schema.sources import Subscription
from subgraphs.records.schema.visits import Claim
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(None, [Patient, Claim], subscription=Subscription)
