"""The patient and the coverage of a fact. They list it, and it names them, so that here they wait
until they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from subgraphs.coverage.loaders.payers import Payers, load_coverages
from subgraphs.runtime import fhir
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request

if TYPE_CHECKING:
    from subgraphs.coverage.schema.coverages import Coverage
    from subgraphs.coverage.schema.patient import Patient

PatientOfFact: TypeAlias = Annotated[
    "Patient", strawberry.lazy("subgraphs.coverage.schema.patient")
]
CoverageOfFact: TypeAlias = Annotated[
    "Coverage", strawberry.lazy("subgraphs.coverage.schema.coverages")
]


def patient_of(fact: Fact[Any]) -> Patient:
    from subgraphs.coverage.schema import patient  # noqa: PLC0415 - it waits for us, as told above

    return patient.Patient(id=strawberry.ID(fact.patient))


async def coverage_of(
    request: Request[Payers], fact: Fact[Any], reference: fhir.Reference | None
) -> Coverage | None:
    """The one a record refers to, among those the caller may see."""
    from subgraphs.coverage.schema import coverages  # noqa: PLC0415 - it waits for us likewise

    id_ = reference.id_of("Coverage") if reference else None
    if id_ is None:
        return None
    at = (fact.records[0].source, id_)
    found = await load_coverages(request, fact.compartment)
    named = (c for c in found.rows if at in {(r.source, r.resource.id) for r in c.records})
    one = next(named, None)
    return coverages.Coverage.of(request, one) if one else None
