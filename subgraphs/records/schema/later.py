"""Types that name each other: here one of two waits until it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from subgraphs.records.schema.documents import DocumentReference
    from subgraphs.records.schema.encounters import Encounter
    from subgraphs.records.schema.patient import Patient
    from subgraphs.records.schema.problems import Condition

PatientOfFact: TypeAlias = Annotated["Patient", strawberry.lazy("subgraphs.records.schema.patient")]
EncounterOfFact: TypeAlias = Annotated[
    "Encounter", strawberry.lazy("subgraphs.records.schema.encounters")
]
ConditionOfFact: TypeAlias = Annotated[
    "Condition", strawberry.lazy("subgraphs.records.schema.problems")
]
DocumentOfFact: TypeAlias = Annotated[
    "DocumentReference", strawberry.lazy("subgraphs.records.schema.documents")
]
