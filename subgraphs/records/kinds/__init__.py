"""The kinds of records: what makes two of them one fact, and what of it they may disagree on.

Two EHRs' records are one fact when they are of one thing at one time; whatever else differs is
shown as a conflict on the one node, whose values are those of the record that warns most.
"""

from subgraphs.records.kinds.care import CARE_PLANS, DEVICES, GOALS
from subgraphs.records.kinds.documents import DOCUMENTS, RESPONSES
from subgraphs.records.kinds.events import ENCOUNTERS, IMMUNIZATIONS, PROCEDURES
from subgraphs.records.kinds.family import FAMILY
from subgraphs.records.kinds.problems import ALLERGIES, CONDITIONS

__all__ = [
    "ALLERGIES",
    "CARE_PLANS",
    "CONDITIONS",
    "DEVICES",
    "DOCUMENTS",
    "ENCOUNTERS",
    "FAMILY",
    "GOALS",
    "IMMUNIZATIONS",
    "PROCEDURES",
    "RESPONSES",
]
