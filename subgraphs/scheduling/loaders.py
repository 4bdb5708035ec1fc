"""How a patient's appointments are loaded, and which one is next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final

from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.facts import Fact, load_facts
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.gathering import Answer, Gathered
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.visit_key import VisitKey, VisitKeys
from subgraphs.scheduling.model import ENTERED_IN_ERROR, Appointment
from subgraphs.scheduling.sources import ScheduleSource

AHEAD: Final = frozenset({"booked", "pending", "arrived", "checked-in"})
"""Statuses of an appointment that is to take place."""

APPOINTMENTS: Final[Kind[Appointment]] = Kind(
    type="Appointment",
    rank=lambda appointment: rank(appointment.start),
    # Each EHR keeps its own calendar.
    same=lambda _: None,
    tokens=lambda a: {
        "status": {a.status} if a.status else set(),
        "service-type": tokens(a.service_type),
        "appointment-type": tokens([a.appointment_type]),
    },
    retracted=lambda appointment: appointment.status == ENTERED_IN_ERROR,
    mentions=lambda a: mentions_of(*a.service_type, *a.reason_code),
)


@dataclass(frozen=True, slots=True)
class Scheduling:
    """The subgraph's own services."""

    sources: Mapping[str, ScheduleSource]
    keys: VisitKeys


async def load_appointments(
    request: Request[Scheduling], patient: Compartment, from_day: date | None = None
) -> Gathered[Fact[Appointment]]:
    """All appointments, or at least those that begin on a day or later."""
    ask = {
        name: partial(_ask, source, from_day) for name, source in request.services.sources.items()
    }
    return await load_facts(request, APPOINTMENTS, ask, patient, question=from_day)


async def _ask(
    source: ScheduleSource, from_day: date | None, patients: Sequence[str]
) -> Answer[Appointment]:
    return await source.appointments(patients, from_day)


def day_before(moment: str) -> date | None:
    """The day to search from: a calendar's days begin elsewhere than UTC's."""
    day = rank(moment)[: len("YYYY-MM-DD")]
    return date.fromisoformat(day) - timedelta(days=1) if day > "0001-01-01" else None


async def load_next(request: Request[Scheduling], patient: Compartment) -> Fact[Appointment] | None:
    """The first appointment that begins from now on.

    `SourcesDownError` where none was found and one may be at a source that did not answer.
    """
    now = rank(request.subgraph.now().isoformat())
    found = await load_appointments(request, patient, day_before(now))
    ahead = [f for f in found.rows if f.resource.status in AHEAD and f.rank >= now]
    if not ahead:
        for report in found.sources:
            found.or_raise(report.source)
    return min(ahead, key=lambda fact: (fact.rank, fact.id), default=None)


def visit_key(request: Request[Scheduling], fact: Fact[Appointment]) -> str | None:
    """What telehealth needs to find the video visit, sealed to this appointment."""
    session, source = fact.resource.session_key, fact.records[0].source
    if session is None:
        return None
    hosts = (actor.id_of("Practitioner") for actor in fact.resource.actors())
    key = VisitKey(
        session,
        fact.patient,
        fact.compartment.links,
        tuple(Link(source, host) for host in hosts if host),
    )
    return request.services.keys.seal(fact.id, key)
