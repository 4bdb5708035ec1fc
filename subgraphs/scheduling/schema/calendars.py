"""Calendars: schedules and the slots in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.runtime.datatypes import FEW, CodeableConcept, Coding, Period, Provenance
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef
from subgraphs.scheduling import model
from subgraphs.scheduling.calendars import (
    SCHEDULE,
    SLOT,
    Opening,
    read_schedules,
    read_slots,
)
from subgraphs.scheduling.loaders import Scheduling


@strawberry.type(description="Whose time a schedule is: a practitioner's, a room's, a device's.")
class ScheduleActor:
    kind: str | None = strawberry.field(
        description="`Practitioner`, `PractitionerRole`, `Location`, `HealthcareService` …: a FHIR "
        "resource type."
    )
    name: str | None = strawberry.field(description="As far as the source names it.")


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(SCHEDULE),
    description="A calendar in which appointments are made. https://hl7.org/fhir/R4/schedule.html",
)
class Schedule:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    active: bool | None = strawberry.field(description="Whether it is in use.")
    service_type: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What its slots are for, where they do not say themselves."
    )
    specialty: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="The specialty needed; http://nucc.org/provider-taxonomy or SNOMED CT.",
    )
    actors: list[ScheduleActor] = strawberry.field(
        directives=[FEW], description="Whose time it is."
    )
    horizon: Period | None = strawberry.field(description="The time its slots are made for.")
    provenance: list[Provenance] = strawberry.field(
        directives=[FEW], description="The one source that keeps it."
    )
    security_labels: list[Coding] = strawberry.field(
        directives=[FEW], description="Labels of confidentiality that its source has put on it."
    )

    @classmethod
    def of(cls, request: Request[Any], record: Record[model.Schedule]) -> Schedule:
        row = record.resource
        return cls(
            id=strawberry.ID(request.seal(SCHEDULE, record.source, row.id, "")),
            active=row.active,
            service_type=CodeableConcept.all_of(row.service_type),
            specialty=CodeableConcept.all_of(row.specialty),
            actors=[
                ScheduleActor(kind=actor.resource_type, name=actor.display) for actor in row.actor
            ],
            horizon=Period.of(row.planning_horizon),
            provenance=[_provenance(record)],
            security_labels=[Coding.of(label) for label in row.meta.security],
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        refs = [request.open(SCHEDULE, each.get("id")) for each in representations]
        found = await read_schedules(request, refs)
        return [row if isinstance(row, Exception) else cls.of(request, row) for row in found]


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for(SLOT),
    description="A time in a schedule that may be booked. https://hl7.org/fhir/R4/slot.html",
)
class Slot:
    id: strawberry.ID = strawberry.field(description="Opaque and stable: what is booked by it.")
    status: str = strawberry.field(
        description="`free`, `busy`, `busy-unavailable`, `busy-tentative` or `entered-in-error`; "
        "http://hl7.org/fhir/slotstatus"
    )
    start: DateTime | None = strawberry.field(description="When it begins.")
    end: DateTime | None = strawberry.field(description="When it ends.")
    service_type: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What it is for, where it says so and not its schedule."
    )
    specialty: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="The specialty needed, where it says so."
    )
    appointment_type: CodeableConcept | None = strawberry.field(
        description="`ROUTINE`, `WALKIN`, …; http://terminology.hl7.org/CodeSystem/v2-0276"
    )
    provenance: list[Provenance] = strawberry.field(
        directives=[FEW], description="The one source that keeps it."
    )
    security_labels: list[Coding] = strawberry.field(
        directives=[FEW], description="Labels of confidentiality that its source has put on it."
    )
    record: strawberry.Private[Record[model.Slot]]
    loaded: strawberry.Private[Record[model.Schedule] | None] = None

    @strawberry.field(description="The calendar it is in.")
    async def schedule(self, info: strawberry.Info) -> Schedule | None:
        request: Request[Scheduling] = info.context
        if self.loaded is not None:
            return Schedule.of(request, self.loaded)
        id_ = self.record.resource.schedule_id
        ref = RecordRef(self.record.source, SCHEDULE, id_, "") if id_ else None
        (found,) = await read_schedules(request, [ref])
        if isinstance(found, Exception):
            raise found
        return Schedule.of(request, found)

    @classmethod
    def of(
        cls,
        request: Request[Any],
        record: Record[model.Slot],
        schedule: Record[model.Schedule] | None = None,
    ) -> Slot:
        row = record.resource
        return cls(
            id=strawberry.ID(request.seal(SLOT, record.source, row.id, "")),
            status=row.status,
            start=date_time(row.start),
            end=date_time(row.end),
            service_type=CodeableConcept.all_of(row.service_type),
            specialty=CodeableConcept.all_of(row.specialty),
            appointment_type=CodeableConcept.of(row.appointment_type),
            provenance=[_provenance(record)],
            security_labels=[Coding.of(label) for label in row.meta.security],
            record=record,
            loaded=schedule,
        )

    @classmethod
    def opened(cls, request: Request[Any], opening: Opening) -> Slot:
        return cls.of(request, opening.slot, opening.schedule)

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        refs = [request.open(SLOT, each.get("id")) for each in representations]
        found = await read_slots(request, refs)
        return [row if isinstance(row, Exception) else cls.of(request, row) for row in found]


def _provenance(record: Record[Any]) -> Provenance:
    return Provenance.of(record)
