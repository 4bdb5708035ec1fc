"""How a patient's prescriptions and dispenses are loaded."""

from __future__ import annotations

from collections.abc import Mapping

from subgraphs.medications.kinds import DISPENSES, REQUESTS
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.medications.sources import MedicationSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request

Medications = Mapping[str, MedicationSource]
"""The subgraph's sources, by id."""


async def load_requests(
    request: Request[Medications], patient: Compartment
) -> Gathered[Fact[MedicationRequest]]:
    ask = {name: source.requests for name, source in request.services.items()}
    return await load_facts(request, REQUESTS, ask, patient)


async def load_dispenses(
    request: Request[Medications], patient: Compartment
) -> Gathered[Fact[MedicationDispense]]:
    ask = {name: source.dispenses for name, source in request.services.items()}
    return await load_facts(request, DISPENSES, ask, patient)


def is_dispensed_on(
    dispense: Fact[MedicationDispense], prescription: Fact[MedicationRequest]
) -> bool:
    """Whether any source says so: ids are each source's own."""
    prescribed = {
        (record.source, record.resource.id)
        for record in (*prescription.records, *prescription.replaced)
    }
    return any(
        (record.source, id_) in prescribed
        for record in dispense.records
        for id_ in record.resource.prescriptions
    )
