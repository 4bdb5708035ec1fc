"""How a patient's and a practitioner's appointments are loaded, and which one is next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Final

from subgraphs.runtime.access import Compartment
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.facts import Fact, load_facts, merge
from subgraphs.runtime.fhir import tokens
from subgraphs.runtime.gathering import Answer, Gathered, Record, gather
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import mentions_of, words
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.visit_key import VisitKey, VisitKeys
from subgraphs.runtime.writes import Writes
from subgraphs.scheduling.model import AHEAD, ENTERED_IN_ERROR, Appointment, Span
from subgraphs.scheduling.practitioners import Practitioners, named
from subgraphs.scheduling.sources import CalendarSource, DaySource, ScheduleSource
from subgraphs.scheduling.sources.bookings import BookingServer
from subgraphs.scheduling.sources.drafts import VideoRooms

APPOINTMENTS: Final[Kind[Appointment]] = Kind(
    type="Appointment",
    rank=lambda appointment: rank(appointment.start),
    # Each EHR keeps its own calendar.
    same=lambda _: None,
    tokens=lambda a: {
        "status": {a.status} if a.status else set(),
        "service-type": tokens(a.service_type),
        "appointment-type": tokens([a.appointment_type]),
        "specialty": tokens(a.specialty),
    },
    retracted=lambda appointment: appointment.status == ENTERED_IN_ERROR,
    mentions=lambda a: (
        mentions_of(*a.service_type, *a.specialty, *a.reasons) | words(a.description)
    ),
)


_BACKWARDS: Final = str.maketrans("0123456789", "9876543210")


@dataclass(frozen=True, slots=True)
class Scheduling:
    """The subgraph's own services."""

    sources: Mapping[str, ScheduleSource]
    keys: VisitKeys
    practitioners: Practitioners
    calendars: Mapping[str, CalendarSource] = field(default_factory=dict)
    feeds: Mapping[str, DaySource] = field(default_factory=dict)
    """What tells of appointments without keeping a calendar."""
    bookings: Mapping[str, BookingServer] = field(default_factory=dict)
    """The sources whose calendars can be written in."""
    writes: Writes | None = None
    rooms: VideoRooms | None = None


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


async def load_day(
    request: Request[Scheduling], practitioner: Gathered[Link], span: Span
) -> Gathered[Fact[Appointment]]:
    """A practitioner's appointments that begin within the span, those of patients the caller may
    see; all practitioners of the moment share the upstream calls.

    An appointment without a patient only blocks time, and is not among them.
    """
    if not request.access.may_read_any(APPOINTMENTS.type):
        return Gathered()
    sources: dict[str, DaySource] = {**request.services.calendars, **request.services.feeds}
    ask = {name: partial(_ask_day, source, span) for name, source in sources.items()}

    async def batch(those: list[tuple[Link, ...]]) -> list[Gathered[Record[Appointment]]]:
        return await gather(those, ask, request.subgraph.now)

    found = (await request.load(("day", span), batch, practitioner.rows)).or_raise()
    rows = await _facts_of(request, found.rows)
    return Gathered(rows, (*found.sources, *practitioner.sources))


async def _ask_day(
    source: DaySource, span: Span, practitioners: Sequence[str]
) -> Answer[Appointment]:
    return await source.appointments_with(practitioners, span)


async def _facts_of(
    request: Request[Scheduling], records: Sequence[Record[Appointment]]
) -> tuple[Fact[Appointment], ...]:
    """Each under the patient it is of, as that patient's own list would show it."""
    of_patients = [replace(record, patient=id_) for record in records if (id_ := _patient(record))]
    refs = [RecordRef(r.source, APPOINTMENTS.type, r.resource.id, r.patient) for r in of_patients]
    compartments = await request.compartments(refs)
    by_person: defaultdict[str, list[Record[Appointment]]] = defaultdict(list)
    known = {c.patient: c for c in compartments if c}
    for record, compartment in zip(of_patients, compartments, strict=True):
        if compartment is not None:
            by_person[compartment.patient].append(record)
    return tuple(
        fact
        for person, rows in by_person.items()
        if request.access.may_read(APPOINTMENTS.type, known[person])
        for fact in merge(request, APPOINTMENTS, rows, known[person])
        if request.access.permits(fact, known[person])
    )


def _patient(record: Record[Appointment]) -> str | None:
    owner = record.resource.owner
    return owner.id_of("Patient") if owner else None


def own_practitioner(request: Request[Scheduling]) -> Link | None:
    """Whoever asks, as the practitioner they sign in as; nobody, where they are none."""
    source, _, own = (request.access.caller.fhir_user or "").partition("/")
    type_, _, id_ = own.partition("/")
    return Link(source, id_) if type_ == "Practitioner" and id_ else None


async def own_records(request: Request[Scheduling]) -> Gathered[Link]:
    """Every record of whoever asks; none for who has no right to any appointment."""
    own = own_practitioner(request)
    if own is None or not request.access.may_read_any(APPOINTMENTS.type):
        return Gathered()
    return await request.services.practitioners.records_of(request, own)


async def records_of(request: Request[Scheduling], id_: str) -> Gathered[Link]:
    """Every record of a practitioner, by any id that the directory gave them; none, by no id."""
    found = named(request, id_)
    if found is None:
        return Gathered()
    own, number = found
    return await request.services.practitioners.records_of(request, own, number or None)


def soonest_first(ranked: str) -> str:
    """A moment's rank for a list whose greatest comes first."""
    return ranked.translate(_BACKWARDS)


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
        fact.resource.channel,
    )
    return request.services.keys.seal(fact.id, key)
