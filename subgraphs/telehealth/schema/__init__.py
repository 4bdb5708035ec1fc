"""The telehealth subgraph as published."""

from typing import Final

from subgraphs.runtime.schema import build_schema
from subgraphs.telehealth.schema.messages import Message, Patient
from subgraphs.telehealth.schema.mutation import Mutation
from subgraphs.telehealth.schema.subscription import Subscription
from subgraphs.telehealth.schema.types import Appointment, VirtualVisit

SCHEMA: Final = build_schema(
    None,
    [Appointment, Message, Patient, VirtualVisit],
    mutation=Mutation,
    subscription=Subscription,
)
