"""The directory subgraph as published."""

from subgraphs.directory.schema.participants import AppointmentParticipant
from subgraphs.directory.schema.query import Query
from subgraphs.directory.schema.teams import CareTeam, Patient
from subgraphs.runtime.schema import build_schema

SCHEMA = build_schema(Query, [Patient, CareTeam, AppointmentParticipant])
