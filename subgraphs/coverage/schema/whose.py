"""The patient of a fact. Each names the other, so here one of the two waits until it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from subgraphs.coverage.schema import patient as module
from subgraphs.runtime.facts import Fact

if TYPE_CHECKING:
    from subgraphs.coverage.schema.patient import Patient

PatientOfFact: TypeAlias = Annotated[
    "Patient", strawberry.lazy("subgraphs.coverage.schema.patient")
]


def patient_of(fact: Fact[Any]) -> Patient:
    return module.Patient(id=strawberry.ID(fact.patient))
