"""How a patient's prescriptions and dispenses are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from subgraphs.medications.kinds import DISPENSES, REQUESTS
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.medications.sources import MedicationSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.facts import (
    Fact,
    labelled,
    load_facts,
    load_records,
    merge,
    sensitive_subjects,
)
from subgraphs.runtime.gathering import Ask, Gathered
from subgraphs.runtime.request import Request

Medications = Mapping[str, MedicationSource]
"""The subgraph's sources, by id."""


async def load_requests(
    request: Request[Medications], patient: Compartment
) -> Gathered[Fact[MedicationRequest]]:
    return await load_facts(request, REQUESTS, _asks(request), patient)


async def load_dispenses(
    request: Request[Medications], patient: Compartment
) -> Gathered[Fact[MedicationDispense]]:
    """Closed too by the label of a prescription of the same, which a pharmacy seldom repeats."""
    if not request.access.may_read(DISPENSES.type, patient):
        return Gathered()
    ask = {name: source.dispenses for name, source in request.services.items()}
    found, prescribed = await asyncio.gather(
        load_facts(request, DISPENSES, ask, patient),
        load_records(request, REQUESTS, _asks(request), patient),
    )
    closed = sensitive_subjects(merge(request, REQUESTS, prescribed.rows, patient))
    facts = (labelled(fact, closed) for fact in found.rows)
    permitted = tuple(fact for fact in facts if request.access.permits(fact, patient))
    return Gathered(permitted, found.sources)


def _asks(request: Request[Medications]) -> Mapping[str, Ask[MedicationRequest]]:
    return {name: source.requests for name, source in request.services.items()}


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
