"""Appointments, and the patients whose they are."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.runtime.access import Compartment
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.datatypes import FEW, CodeableConcept
from subgraphs.runtime.errors import SourcesDownError
from subgraphs.runtime.fact_fields import facts_by_id, list_facts
from subgraphs.runtime.fact_nodes import (
    APPOINTMENT,
    PARTICIPANT,
    PARTY_KEY,
    PATIENT,
    FactNode,
    PatientNode,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.naming import told_by
from subgraphs.runtime.parties import party_ref, seal_party
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time, rank
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef
from subgraphs.scheduling import model
from subgraphs.scheduling.calendars import SLOT, read_slots
from subgraphs.scheduling.loaders import (
    APPOINTMENTS,
    Scheduling,
    day_before,
    load_appointments,
    load_next,
    visit_key,
)
from subgraphs.scheduling.schema.calendars import Slot


@federation.type(
    # A practitioner is here known by the key of their calendar, so the directory says who it is.
    keys=[Key(fields=FieldSet("reference"), resolvable=False)],
    description=PARTICIPANT,
)
class AppointmentParticipant:
    reference: str | None = federation.field(inaccessible=True, description=PARTY_KEY)
    kind: str | None = strawberry.field(
        description="`Patient`, `Practitioner`, `Location`, …: a FHIR resource type."
    )
    name: str | None = strawberry.field(description="As far as the source names it.")
    role: list[CodeableConcept] = strawberry.field(
        description="http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    )
    status: str | None = strawberry.field(
        description="`accepted`, `declined`, `tentative` or `needs-action`."
    )
    required: str | None = strawberry.field(
        description="`required`, `optional` or `information-only`."
    )

    @classmethod
    def of(
        cls, request: Request[Any], source: str, wire: model.Participant
    ) -> AppointmentParticipant:
        ref = party_ref(source, wire.actor)
        return cls(
            reference=seal_party(request.subgraph.ids, ref) if ref else None,
            kind=wire.actor.resource_type if wire.actor else None,
            name=wire.actor.display if wire.actor else None,
            role=CodeableConcept.all_of(wire.type),
            status=wire.status,
            required=wire.required,
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Appointment"),
    description=APPOINTMENT,
)
class Appointment(FactNode):
    patient: Patient = strawberry.field(description="For whom.")
    status: str | None = strawberry.field(
        description="`proposed`, `pending`, `booked`, `arrived`, `fulfilled`, `cancelled`, "
        "`noshow`, `checked-in` or `waitlist`; http://hl7.org/fhir/appointmentstatus"
    )
    start: DateTime | None = strawberry.field(description="When it begins.")
    end: DateTime | None = strawberry.field(description="When it ends.")
    minutes_duration: int | None = strawberry.field(description="Its length, in minutes.")
    description: str | None = strawberry.field(description="What it is, in words.")
    service_type: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What is to be done."
    )
    specialty: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="The specialty needed."
    )
    appointment_type: CodeableConcept | None = strawberry.field(
        description="`ROUTINE`, `FOLLOWUP`, …; http://terminology.hl7.org/CodeSystem/v2-0276"
    )
    reason: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Why it was made."
    )
    cancelation_reason: CodeableConcept | None = strawberry.field(
        description="Why it was called off."
    )
    comment: str | None = strawberry.field(description="Remarks of those who made it.")
    patient_instruction: str | None = strawberry.field(description="What the patient is to do.")
    created: DateTime | None = strawberry.field(description="When it was made.")
    participants: list[AppointmentParticipant] = strawberry.field(
        directives=[FEW], description="Who takes part."
    )
    is_virtual: bool = strawberry.field(description="Whether it is a video visit.")
    version: str | None = strawberry.field(
        description="Its version at its source, for `ifMatch`; null where that keeps none."
    )
    visit_key: str | None = federation.field(
        inaccessible=True, description="The way to the video visit, sealed for telehealth."
    )

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for(SLOT),
        description="The times in calendars that it takes, where its source tells.",
    )
    async def slots(self, info: strawberry.Info) -> list[Slot] | None:
        request: Request[Scheduling] = info.context
        record = self.fact.records[0]
        refs = [RecordRef(record.source, SLOT, id_, "") for id_ in record.resource.slots]
        found = await read_slots(request, refs)
        for failure in found:
            if isinstance(failure, SourcesDownError):
                raise failure
        return [Slot.of(request, row) for row in found if not isinstance(row, Exception)]

    @classmethod
    def of(cls, request: Request[Any], fact: Fact[model.Appointment]) -> Appointment:
        record = fact.resource
        return cls(
            **common(fact),
            patient=Patient(id=strawberry.ID(fact.patient)),
            status=record.status,
            start=date_time(record.start),
            end=date_time(record.end),
            minutes_duration=record.minutes_duration,
            description=record.description,
            service_type=CodeableConcept.all_of(record.service_type),
            specialty=CodeableConcept.all_of(record.specialty),
            appointment_type=CodeableConcept.of(record.appointment_type),
            reason=CodeableConcept.all_of(record.reasons),
            cancelation_reason=CodeableConcept.of(record.cancelation_reason),
            comment=record.comment,
            patient_instruction=record.patient_instruction,
            created=date_time(record.created),
            participants=told_by(
                fact, partial(AppointmentParticipant.of, request), lambda a: a.participant
            ),
            is_virtual=record.session_key is not None,
            version=record.meta.version_id,
            visit_key=visit_key(request, fact),
        )

    resolve_references = facts_by_id(APPOINTMENTS, load_appointments)


@federation.type(keys=["id"], description=PATIENT)
class Patient(PatientNode):
    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Appointment"),
        description="Appointments, past and to come, the latest first.",
    )
    async def appointments(
        self,
        info: strawberry.Info,
        from_: Annotated[
            DateTime | None,
            strawberry.argument(name="from", description="Only those that begin then or later."),
        ] = None,
        status: Annotated[
            list[str] | None, strawberry.argument(description="Only those of these statuses.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Appointment] | None:
        earliest, wanted = rank(from_), None if status is None else set(status)

        def keep(appointment: model.Appointment) -> bool:
            begins_in_time = rank(appointment.start) >= earliest
            return begins_in_time and (wanted is None or appointment.status in wanted)

        async def load(
            asking: Request[Scheduling], patient: Compartment
        ) -> Gathered[Fact[model.Appointment]]:
            return await load_appointments(asking, patient, day_before(from_) if from_ else None)

        return await list_facts(
            info,
            self,
            load,
            Appointment,
            first=first,
            after=after,
            keep=keep,
        )

    @federation.field(
        requires=["links"],
        requires_scopes=scopes_for("Appointment"),
        description="The first appointment that begins from now on and is to take place.",
    )
    async def next_appointment(self, info: strawberry.Info) -> Appointment | None:
        request: Request[Scheduling] = info.context
        found = await load_next(request, await request.compartment(self.id, self.links))
        return Appointment.of(request, found) if found else None
