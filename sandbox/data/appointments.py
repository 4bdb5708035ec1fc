"""Appointments, the slots they take, and the video visits the vendor holds for some of them.

A virtual appointment carries the backport of R5's `virtualService`, whose session key is the
vendor's visit id. https://hl7.org/fhir/R5/appointment-definitions.html#Appointment.virtualService
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sandbox.data.chart import VISIT_LENGTH, Chart
from sandbox.data.codes import OFFICE_VISIT, VIDEO_VISIT
from sandbox.data.directory import (
    DAYS_AHEAD,
    SLOT_HOURS,
    SLOT_LENGTH,
    Directory,
    Practitioner,
)
from sandbox.data.shapes import Reference, Resource, concept, hl7_concept, instant
from sandbox.data.source import SourceBuilder

VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"


@dataclass(frozen=True, slots=True)
class BookedVisit:
    """What the telehealth vendor knows of an appointment: no name, no chart."""

    id: str
    starts_at: datetime
    ends_at: datetime
    host: str
    status: str


@dataclass(frozen=True, slots=True)
class Vendor:
    """Where a health system holds its video visits, and how its appointments say so."""

    name: str
    channel: dict[str, str]
    name_visit: Callable[[SourceBuilder, int, datetime], str]


def _by_text(source: SourceBuilder, number: int, start: datetime) -> str:
    return "visit-" + source.identify("visit", number, start)[:12].replace("-", "")


def _by_number(source: SourceBuilder, number: int, start: datetime) -> str:
    return "9" + source.number(10, "meeting", number, start)


HEARTHSIDE = Vendor(
    "telehealth", {"system": "https://telehealth.example/channel", "code": "video"}, _by_text
)
ZOOM = Vendor(
    "zoom", {"system": "http://hl7.org/fhir/virtual-service-type", "code": "zoom"}, _by_number
)


class AppointmentBook:
    """One health system's calendar: each slot is given away once."""

    def __init__(
        self, source: SourceBuilder, directory: Directory, today: datetime, vendor: Vendor
    ) -> None:
        self.vendor = vendor
        self.visits: list[BookedVisit] = []
        self._source = source
        self._directory = directory
        self._today = today
        self._taken: set[tuple[int, datetime]] = set()

    def book(self, number: int, patient: Reference, *, virtual: bool, days: int) -> None:
        """The first free slot of the patient's doctor, `days` from today or later."""
        doctor = number % len(self._directory.practitioners)
        # A calendar that is full as far as it is shown goes on behind that.
        slots = (slot for day in count(days) for slot in self._slots_on(day))
        start = next(slot for slot in slots if (doctor, slot) not in self._taken)
        self._taken.add((doctor, start))
        who = self._directory.practitioners[doctor]
        visit = self._hold(number, start, who, "scheduled") if virtual else None
        slot = {"reference": f"Slot/{self._slot_id(doctor, start)}"}
        self._add(number, patient, who, start, "booked", visit, slot)

    def record_past(self, number: int, patient: Reference, chart: Chart) -> None:
        """The last visit came of an appointment, and the one before was called off."""
        who = self._directory.practitioners[number % len(self._directory.practitioners)]
        last = chart.visits[-1]
        visit = self._hold(number, last.start, who, "ended") if last.virtual else None
        self._add(number, patient, who, last.start, "fulfilled", visit)
        called_off = last.start - timedelta(days=14)
        self._add(number, patient, who, called_off, "cancelled")

    def close(self) -> None:
        """Write down the slots, now that it is known which are taken."""
        for doctor, practitioner in enumerate(self._directory.practitioners):
            shown = {slot for day in range(1, DAYS_AHEAD + 1) for slot in self._slots_on(day)}
            taken = {start for whose, start in self._taken if whose == doctor}
            for start in sorted(shown | taken):
                self._source.add(
                    "Slot",
                    (doctor, start),
                    self._today,
                    schedule=practitioner.schedule,
                    status="busy" if (doctor, start) in self._taken else "free",
                    start=instant(start),
                    end=instant(start + SLOT_LENGTH),
                )

    def _slots_on(self, day: int) -> list[datetime]:
        return [self._today + timedelta(days=day, hours=hour) for hour in SLOT_HOURS]

    def _slot_id(self, doctor: int, start: datetime) -> str:
        return self._source.identify("Slot", doctor, start)

    def _hold(self, number: int, start: datetime, who: Practitioner, status: str) -> BookedVisit:
        id_ = self.vendor.name_visit(self._source, number, start)
        visit = BookedVisit(id_, start, start + SLOT_LENGTH, who.name, status)
        self.visits.append(visit)
        return visit

    def _add(
        self,
        number: int,
        patient: Reference,
        who: Practitioner,
        start: datetime,
        status: str,
        visit: BookedVisit | None = None,
        slot: Reference | None = None,
    ) -> None:
        actors = [patient, {**who.reference, "display": who.name}]
        actors += [] if visit else [self._directory.location]
        self._source.add(
            "Appointment",
            (number, start),
            min(start, self._today) - timedelta(days=3),
            extension=[_virtual_service(visit, self.vendor.channel)] if visit else None,
            status=status,
            cancelationReason=_CANCELLED if status == "cancelled" else None,
            serviceType=[concept(VIDEO_VISIT if visit else OFFICE_VISIT)],
            appointmentType=hl7_concept("v2-0276", "ROUTINE"),
            description="Video visit" if visit else "Office visit",
            start=instant(start),
            end=instant(start + (SLOT_LENGTH if slot else VISIT_LENGTH)),
            slot=[slot] if slot else None,
            participant=[{"actor": actor, "status": "accepted"} for actor in actors],
        )


_CANCELLED: dict[str, Any] = hl7_concept("appointment-cancellation-reason", "pat", "Patient")


def _virtual_service(visit: BookedVisit, channel: dict[str, str]) -> Resource:
    return {
        "url": VIRTUAL_SERVICE,
        "extension": [
            {"url": "_datatype", "valueString": "VirtualServiceDetail"},
            {"url": "channelType", "valueCoding": dict(channel)},
            {"url": "sessionKey", "valueString": visit.id},
        ],
    }
