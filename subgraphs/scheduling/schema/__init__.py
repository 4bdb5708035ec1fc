"""The scheduling subgraph as published."""

from typing import Final

from subgraphs.runtime.schema import build_schema
from subgraphs.scheduling.schema.calendars import Schedule, Slot
from subgraphs.scheduling.schema.mutation import Mutation
from subgraphs.scheduling.schema.practitioner import Practitioner
from subgraphs.scheduling.schema.query import Query
from subgraphs.scheduling.schema.subscription import Subscription
from subgraphs.scheduling.schema.types import Appointment, Patient

SCHEMA: Final = build_schema(
    Query,
    [Appointment, Patient, Practitioner, Schedule, Slot],
    mutation=Mutation,
    subscription=Subscription,
)
