"""Refills: asked for by the patient, seen to by whoever prescribes or dispenses.

A request is a FHIR Task about the prescription, as in the standard's own example of one
(https://hl7.org/fhir/R4/task-example3.html). It is no order: a MedicationRequest with the intent
`order` would be a prescription that nobody has written, and would stand among those that are. US
Core lets no application write prescriptions; an EHR that takes requests for refills puts them into
somebody's in-basket, which is what a Task is.
"""

from __future__ import annotations

from typing import Final

import msgspec

from subgraphs.medications.kinds import REFILLS, REQUESTS
from subgraphs.medications.loaders import Medications, load_refills, load_requests
from subgraphs.medications.model import MedicationRequest, RefillTask
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.creating import Creation, Wire, create_once, filled
from subgraphs.runtime.facts import Fact, load_by_id, merge
from subgraphs.runtime.following import held_by
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import exact

TASK: Final = "Task"
ASKERS: Final = ("clinician", "nurse", "pharmacist")
"""Who asks for others."""
_CODE: Final = {
    "coding": [
        {
            "system": "http://snomed.info/sct",
            "code": "103742009",
            "display": "Renewal of prescription",
        }
    ],
    "text": "Refill request",
}


class NotTheirsError(Exception):
    """The caller may not ask for this patient."""


class ConflictError(Exception):
    """It cannot be asked for as things stand; `code` is the conflict's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def ask_refill(
    request: Request[Medications], asked: Asked, prescription: str, note: str | None
) -> Fact[RefillTask] | None:
    """The request as it is kept; None for who may ask and not read.

    Raises `NotTheirsError`, `ConflictError` and `RefusedError`.
    """
    (found,) = await load_by_id(
        request, REQUESTS, [prescription], lambda patient: load_requests(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    _permit(request, found.compartment)
    services = request.services
    record = next((each for each in found.leading if each.source in services.servers), None)
    if record is None or services.writes is None:
        raise ConflictError("NOT_ASKED_HERE")
    if found.resource.status != "active":
        raise ConflictError("NOT_ACTIVE")
    task = _task(request, record, note, found.compartment)
    server = services.servers[record.source]
    kept = await create_once(services.writes, asked, Creation(record.source, server, task))
    request.forget()
    return _fact(request, record, kept, found.compartment)


async def refills_of(
    request: Request[Medications], prescription: Fact[MedicationRequest]
) -> list[Fact[RefillTask]]:
    """What was asked for of it, the latest first."""
    found = await load_refills(request, prescription.compartment)
    known = set(held_by(prescription))
    rows = [
        fact
        for fact in found.rows
        if any((r.source, r.resource.prescription) in known for r in fact.records)
    ]
    return sorted(rows, key=lambda fact: (fact.rank, fact.id), reverse=True)


async def prescription_of(
    request: Request[Medications], refill: Fact[RefillTask]
) -> Fact[MedicationRequest] | None:
    """What it asks to be refilled, if the caller may see it."""
    wanted = {(record.source, record.resource.prescription) for record in refill.records}
    found = await load_requests(request, refill.compartment)
    return next((fact for fact in found.rows if wanted.intersection(held_by(fact))), None)


def _permit(request: Request[Medications], compartment: Compartment) -> None:
    access = request.access
    is_staff = any(access.has_role(role) for role in ASKERS)
    if not access.may_write(TASK, "c", compartment) or not (
        is_staff or access.is_herself(compartment)
    ):
        access.refuse(TASK, "role", compartment)
        raise NotTheirsError


def _task(
    request: Request[Medications],
    record: Record[MedicationRequest],
    note: str | None,
    compartment: Compartment,
) -> Wire:
    patient = {"reference": f"Patient/{record.patient}"}
    at, _, own = (request.access.caller.fhir_user or "").partition("/")
    herself = request.access.is_herself(compartment)
    asker = patient if herself else {"reference": own} if at == record.source and own else None
    prescriber = record.resource.requester
    owner = prescriber.reference if prescriber and prescriber.id_of("Practitioner") else None
    return filled(
        resourceType=TASK,
        status="requested",
        intent="order",
        priority="routine",
        code=_CODE,
        focus={"reference": f"MedicationRequest/{record.resource.id}"},
        **{"for": patient},
        authoredOn=exact(request.subgraph.now()),
        requester=asker,
        owner={"reference": owner} if owner else None,
        note=[{"text": note}] if note else None,
    )


def _fact(
    request: Request[Medications],
    about: Record[MedicationRequest],
    kept: Wire,
    compartment: Compartment,
) -> Fact[RefillTask] | None:
    if not request.access.may_read(TASK, compartment):
        return None
    task = msgspec.convert(kept, RefillTask)
    record = Record(about.source, about.patient, task, request.subgraph.now())
    facts = merge(request, REFILLS, [record], compartment)
    return next((fact for fact in facts if request.access.permits(fact, compartment)), None)
