"""How a patient's prescriptions and dispenses are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from subgraphs.medications.kinds import DISPENSES, REFILLS, REQUESTS
from subgraphs.medications.model import MedicationDispense, MedicationRequest, RefillTask
from subgraphs.medications.sources import MedicationSource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.creating import CreatingServer
from subgraphs.runtime.facts import (
    Fact,
    labelled,
    load_facts,
    load_records,
    merge,
    sensitive_subjects,
)
from subgraphs.runtime.gathering import Ask, Gathered, Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.writes import Writes


@dataclass(frozen=True, slots=True)
class Medications:
    """The subgraph's own services."""

    sources: Mapping[str, MedicationSource]
    servers: Mapping[str, CreatingServer] = field(default_factory=dict)
    """The sources that take requests for refills."""
    writes: Writes | None = None


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
    ask = {name: source.dispenses for name, source in request.services.sources.items()}
    found, prescribed = await asyncio.gather(
        load_facts(request, DISPENSES, ask, patient),
        load_records(request, REQUESTS, _asks(request), patient),
    )
    closed = sensitive_subjects(merge(request, REQUESTS, prescribed.rows, patient))
    facts = (labelled(fact, closed) for fact in found.rows)
    permitted = tuple(fact for fact in facts if request.access.permits(fact, patient))
    return Gathered(permitted, found.sources)


def _asks(request: Request[Medications]) -> Mapping[str, Ask[MedicationRequest]]:
    return {name: source.requests for name, source in request.services.sources.items()}


async def load_refills(
    request: Request[Medications], patient: Compartment
) -> Gathered[Fact[RefillTask]]:
    """Closed too by the label of the prescription."""
    ask = {name: source.refills for name, source in request.services.sources.items()}
    found, prescribed = await asyncio.gather(
        load_facts(request, REFILLS, ask, patient), load_requests(request, patient)
    )
    seen: set[tuple[str, str | None]] = {
        (record.source, record.resource.id) for fact in prescribed.rows for record in _all_of(fact)
    }
    rows = (fact for fact in found.rows if seen.intersection(map(_about, fact.records)))
    return Gathered(tuple(rows), found.sources)


def _about(record: Record[RefillTask]) -> tuple[str, str | None]:
    return record.source, record.resource.prescription


def _all_of(fact: Fact[MedicationRequest]) -> Iterator[Record[MedicationRequest]]:
    yield from (*fact.records, *fact.replaced)


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
