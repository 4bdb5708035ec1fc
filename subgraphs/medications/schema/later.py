"""Types that name each other: here one of two waits until it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from subgraphs.medications.schema.encounters import Condition, Encounter
    from subgraphs.medications.schema.types import MedicationRequest

_FOLDER = "subgraphs.medications.schema"
ConditionOfFact: TypeAlias = Annotated["Condition", strawberry.lazy(f"{_FOLDER}.encounters")]
EncounterOfFact: TypeAlias = Annotated["Encounter", strawberry.lazy(f"{_FOLDER}.encounters")]
RequestOfFact: TypeAlias = Annotated["MedicationRequest", strawberry.lazy(f"{_FOLDER}.types")]
