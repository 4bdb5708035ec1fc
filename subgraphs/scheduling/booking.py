"""What patients and front desks do with time: book it, move an appointment, call one off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from contract.errors import Code
from subgraphs.connectors.errors import CircuitOpen, RateLimited, Refused, Rejected
from subgraphs.connectors.telehealth.visit import NewVisit
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.creating import RefusedError
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.facts import Fact, load_by_id, merge
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.idempotency import Asked
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import instant
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.terms.codes import token_of
from subgraphs.runtime.writes import Write
from subgraphs.scheduling.calendars import SLOT, read_schedules, read_slots
from subgraphs.scheduling.loaders import APPOINTMENTS, Scheduling, load_appointments
from subgraphs.scheduling.model import Appointment, Schedule, Slot
from subgraphs.scheduling.news import APPOINTMENT, tell_change
from subgraphs.scheduling.sources.bookings import (
    CONFLICTS,
    Booking,
    BookingServer,
    Changing,
    Past,
    Wire,
    Written,
)
from subgraphs.scheduling.sources.drafts import (
    NewAppointment,
    VideoRooms,
    Wish,
    attempt,
    called_off,
    moved,
)

BOOKERS: Final = ("scheduler", "clinician", "nurse")
"""Who makes appointments for others."""


class NotTheirsError(Exception):
    """The caller may not do this for this patient."""


class ConflictError(Exception):
    """It cannot be done as things stand; `code` is the conflict's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Place:
    """A slot with its calendar."""

    source: str
    slot: Slot
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Done:
    """None for an appointment that its maker may not see."""

    appointment: Fact[Appointment] | None


async def book(
    request: Request[Scheduling], asked: Asked, slot: str, patient: str, wish: Wish, *, video: bool
) -> Done:
    ref = request.subgraph.ids.open("identity", "Patient", patient)
    compartment = (await request.compartments([ref]))[0] if ref else None
    if compartment is None:
        raise ClientError(Code.NOT_FOUND)
    _permit(request, "c", compartment)
    place = await _place(request, slot)
    server = _server(request, place.source)
    known_as = next((each.id for each in compartment.links if each.source == place.source), None)
    if known_as is None:
        raise ConflictError("PATIENT_UNKNOWN")
    rooms = request.services.rooms if video else None
    if video and rooms is None:
        raise ConflictError("NO_VIDEO")
    at = request.subgraph.now()
    draft = NewAppointment(place.source, place.slot, place.schedule, known_as, wish, at, rooms)
    booking = Booking(place.source, server, place.slot.id, draft)
    return await _perform(request, asked, booking, compartment)


async def reschedule(
    request: Request[Scheduling], asked: Asked, appointment: str, slot: str, if_match: str | None
) -> Done:
    fact = await _own(request, appointment)
    record = fact.records[0]
    place = await _place(request, slot)
    if place.source != record.source:
        raise ConflictError("OTHER_SOURCE")
    changing = Changing(
        record.source,
        _server(request, record.source),
        record.resource.id,
        partial(_moved, place, await _left(request, record), request.subgraph.now()),
        if_match,
        place.slot.id,
    )
    done = await _perform(request, asked, changing, fact.compartment)
    rooms, session = _room(request, record.resource)
    if rooms and session:
        visit = NewVisit(instant(place.slot.start), instant(place.slot.end))
        await attempt(rooms.move(session, visit), "a video visit was not moved")
    return done


async def cancel(
    request: Request[Scheduling],
    asked: Asked,
    appointment: str,
    reason: str | None,
    if_match: str | None,
) -> Done:
    fact = await _own(request, appointment)
    record = fact.records[0]
    herself = request.access.is_herself(fact.compartment)
    changing = Changing(
        record.source,
        _server(request, record.source),
        record.resource.id,
        lambda was: called_off(was, reason, by_patient=herself),
        if_match,
    )
    done = await _perform(request, asked, changing, fact.compartment)
    rooms, session = _room(request, record.resource)
    if rooms and session:
        await attempt(rooms.cancel(session), "a video visit was not called off")
    return done


def _moved(place: Place, left: tuple[Schedule, ...], at: datetime, was: Wire) -> Wire:
    if instant(place.slot.start) <= at:
        raise Past
    return moved(was, place.slot, place.schedule, left)


def _room(
    request: Request[Scheduling], appointment: Appointment
) -> tuple[VideoRooms | None, str | None]:
    """Its visit, where the vendor that holds those booked here holds it."""
    rooms = request.services.rooms
    if rooms is None or appointment.channel != token_of(**rooms.channel):
        return None, None
    return rooms, appointment.session_key


async def _left(request: Request[Scheduling], record: Record[Appointment]) -> tuple[Schedule, ...]:
    """The calendars that it is in now."""
    slots = await read_slots(
        request, [RecordRef(record.source, SLOT, id_, "") for id_ in record.resource.slots]
    )
    ids = [each.resource.schedule_id for each in slots if isinstance(each, Record)]
    refs = [RecordRef(record.source, "Schedule", id_, "") for id_ in ids if id_]
    schedules = await read_schedules(request, refs)
    return tuple(each.resource for each in schedules if isinstance(each, Record))


async def _place(request: Request[Scheduling], sealed: str) -> Place:
    (slot,) = await read_slots(request, [request.open(SLOT, sealed)])
    if isinstance(slot, Exception):
        raise slot
    ref = RecordRef(slot.source, "Schedule", slot.resource.schedule_id or "", "")
    (schedule,) = await read_schedules(request, [ref])
    if isinstance(schedule, Exception):
        raise schedule
    return Place(slot.source, slot.resource, schedule.resource)


async def _own(request: Request[Scheduling], sealed: str) -> Fact[Appointment]:
    """The appointment, once it is decided that the caller may change it."""
    (found,) = await load_by_id(
        request, APPOINTMENTS, [sealed], lambda patient: load_appointments(request, patient)
    )
    if isinstance(found, Exception):
        raise found
    _permit(request, "u", found.compartment)
    return found


def _permit(request: Request[Scheduling], letter: str, compartment: Compartment) -> None:
    access = request.access
    is_staff = any(access.has_role(role) for role in BOOKERS)
    if not access.may_write(APPOINTMENT, letter, compartment) or not (
        is_staff or access.is_herself(compartment)
    ):
        access.refuse(APPOINTMENT, "role", compartment)
        raise NotTheirsError


def _server(request: Request[Scheduling], source: str) -> BookingServer:
    server = request.services.bookings.get(source)
    if server is None:
        raise ConflictError("NOT_BOOKED_HERE")
    return server


async def _perform(
    request: Request[Scheduling], asked: Asked, write: Write[Written], compartment: Compartment
) -> Done:
    writes = request.services.writes
    assert writes is not None, "there is a store where there is somewhere to write"
    try:
        written = await writes.perform(asked, write)
    except (RateLimited, CircuitOpen) as busy:
        raise SourcesDownError([(write.source, busy.state)], busy.retry_after) from None
    except CONFLICTS:
        raise
    except (Rejected, Refused) as refusal:
        raise RefusedError(write.source, refusal) from None
    request.forget()
    resource = msgspec.convert(written.appointment, Appointment)
    await tell_change(request.subgraph.events, write.source, resource)
    owner = resource.owner
    patient = owner.id_of("Patient") if owner else None
    if patient is None or not request.access.may_read(APPOINTMENT, compartment):
        return Done(None)
    record = Record(write.source, patient, resource, request.subgraph.now())
    facts = merge(request, APPOINTMENTS, [record], compartment)
    seen = (fact for fact in facts if request.access.permits(fact, compartment))
    return Done(next(seen, None))
