"""US Core resources of the chart, as far as they are published.

https://hl7.org/fhir/us/core/STU8/profiles-and-extensions.html
"""

from subgraphs.records.model.care import ActivityDetail, CarePlan, Device, Goal, Target
from subgraphs.records.model.documents import DocumentReference, Item, QuestionnaireResponse, Reply
from subgraphs.records.model.events import (
    Encounter,
    Hospitalization,
    Immunization,
    Participant,
    Performer,
    Procedure,
)
from subgraphs.records.model.family import FamilyCondition, FamilyMemberHistory
from subgraphs.records.model.problems import AllergyIntolerance, Condition

__all__ = [
    "ENTERED_IN_ERROR",
    "ActivityDetail",
    "AllergyIntolerance",
    "CarePlan",
    "Condition",
    "Device",
    "DocumentReference",
    "Encounter",
    "FamilyCondition",
    "FamilyMemberHistory",
    "Goal",
    "Hospitalization",
    "Immunization",
    "Item",
    "Participant",
    "Performer",
    "Procedure",
    "QuestionnaireResponse",
    "Reply",
    "Target",
]

ENTERED_IN_ERROR = "entered-in-error"
