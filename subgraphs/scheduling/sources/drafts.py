"""Appointments to be written: what a slot, its calendar and a wish come to in FHIR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec
import structlog

from subgraphs.connectors.errors import (
    CircuitOpen,
    RateLimited,
    Refused,
    Rejected,
    UpstreamError,
)
from subgraphs.connectors.telehealth.visit import NewVisit
from subgraphs.runtime.creating import filled
from subgraphs.runtime.fhir import Element
from subgraphs.runtime.scalars import exact, instant
from subgraphs.scheduling.model import SESSION_KEY, VIRTUAL_SERVICE, Schedule, Slot
from subgraphs.scheduling.sources.bookings import NoRoom, Past, Wire

_CANCELLATION: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_PRACTITIONER: Final = "Practitioner"
_log = structlog.get_logger(__name__)


class VideoRooms(Protocol):
    """The telehealth vendor that holds the visits booked here."""

    @property
    def channel(self) -> Mapping[str, str]:
        """The coding by which an appointment names it."""
        ...

    async def create(self, visit: NewVisit, token: str) -> str: ...

    async def move(self, id_: str, visit: NewVisit) -> None: ...

    async def cancel(self, id_: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asks for."""

    reason: str | None = None
    comment: str | None = None
    service_type: str | None = None
    """One of those that the slot or its schedule is for, by its code; else the first."""


@dataclass(slots=True)
class NewAppointment:
    """`subgraphs.scheduling.sources.bookings.Draft`"""

    source: str
    slot: Slot
    schedule: Schedule
    patient: str
    wish: Wish
    at: datetime
    rooms: VideoRooms | None = None
    """Where it is to be held, if by video."""
    _session: str | None = field(default=None, init=False)

    async def write(self, token: str) -> Wire:
        start, end = instant(self.slot.start), instant(self.slot.end)
        if start <= self.at:
            raise Past
        if self.rooms is not None:
            self._session = await self._arrange(self.rooms, NewVisit(start, end, self._host), token)
        own = {"reference": f"Patient/{self.patient}"}
        return filled(
            resourceType="Appointment",
            extension=self._virtual_service(),
            status="booked",
            serviceType=self._service_types(),
            specialty=_plain(self.slot.specialty or self.schedule.specialty),
            appointmentType=_plain(self.slot.appointment_type),
            reasonCode=[{"text": self.wish.reason}] if self.wish.reason else None,
            start=self.slot.start,
            end=self.slot.end,
            minutesDuration=int((end - start).total_seconds()) // 60,
            slot=[{"reference": f"Slot/{self.slot.id}"}],
            created=exact(self.at),
            comment=self.wish.comment,
            participant=[_participant(own), *participants_of(self.schedule)],
        )

    async def discard(self) -> None:
        if self.rooms is not None and self._session is not None:
            await attempt(self.rooms.cancel(self._session), "a video visit was not called off")

    async def _arrange(self, rooms: VideoRooms, visit: NewVisit, token: str) -> str:
        try:
            return await rooms.create(visit, token)
        except (Rejected, Refused, RateLimited, CircuitOpen):
            raise NoRoom from None

    @property
    def _host(self) -> str | None:
        """The first practitioner whose time it is."""
        ids = (actor.id_of(_PRACTITIONER) for actor in self.schedule.actor)
        return next((f"{self.source}/{_PRACTITIONER}/{id_}" for id_ in ids if id_), None)

    def _service_types(self) -> Any:
        offered = self.slot.service_type or self.schedule.service_type
        wanted = [
            each
            for each in offered
            if any(coding.code == self.wish.service_type for coding in each.coding)
        ]
        return _plain(tuple(wanted or offered)[:1])

    def _virtual_service(self) -> list[Wire] | None:
        """The backport of R5's, as it is read: `model.Appointment.session_key`."""
        if self.rooms is None:
            return None
        parts = [
            {"url": "_datatype", "valueString": "VirtualServiceDetail"},
            {"url": "channelType", "valueCoding": dict(self.rooms.channel)},
            {"url": SESSION_KEY, "valueString": self._session},
        ]
        return [{"url": VIRTUAL_SERVICE, "extension": parts}]


def moved(was: Wire, slot: Slot, schedule: Schedule, left: Sequence[Schedule]) -> Wire:
    """An appointment in another slot: whoever's time it was leaves, whose it is now comes in."""
    start, end = instant(slot.start), instant(slot.end)
    gone = {actor.reference for each in left if each.id != schedule.id for actor in each.actor}
    stay = [
        each
        for each in was.get("participant", ())
        if each.get("actor", {}).get("reference") not in gone
    ]
    here = {each.get("actor", {}).get("reference") for each in stay}
    come = [
        each for each in participants_of(schedule) if each["actor"].get("reference") not in here
    ]
    return {
        **was,
        "status": "booked",
        "start": slot.start,
        "end": slot.end,
        "minutesDuration": int((end - start).total_seconds()) // 60,
        "slot": [{"reference": f"Slot/{slot.id}"}],
        "participant": [*stay, *come],
    }


def called_off(was: Wire, reason: str | None, *, by_patient: bool) -> Wire:
    code = "pat" if by_patient else "prov"
    coded = {"coding": [{"system": _CANCELLATION, "code": code}]}
    why = {**coded, "text": reason} if reason else coded
    return {**was, "status": "cancelled", "cancelationReason": why}


def participants_of(schedule: Schedule) -> list[Wire]:
    return [_participant(_plain(actor)) for actor in schedule.actor if actor.reference]


async def attempt(call: Any, otherwise: str) -> None:
    """Await what is as well left undone, should it fail."""
    try:
        await call
    except UpstreamError as failure:
        _log.warning(otherwise, state=failure.state.value)


def _participant(actor: Wire) -> Wire:
    return {"actor": actor, "status": "accepted"}


def _plain(told: Element | Sequence[Element] | None) -> Any:
    """As it goes over the wire."""
    return _without_nothing(msgspec.to_builtins(told))


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return filled(**{name: _without_nothing(each) for name, each in value.items()})
    if isinstance(value, list | tuple):
        return [_without_nothing(each) for each in value]
    return value
