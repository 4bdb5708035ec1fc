"""The visits one request asks for, all of them in one call to each vendor that takes many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contract.errors import Code
from subgraphs.connectors.errors import UpstreamError
from subgraphs.connectors.telehealth.visit import Visit
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.creating import CreatingServer
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import Tokens
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.visit_key import VisitKey, VisitKeys
from subgraphs.runtime.writes import Writes
from subgraphs.telehealth.model import VisitNow
from subgraphs.telehealth.sources.appointments import AppointmentServer
from subgraphs.telehealth.sources.messages import MessageSource
from subgraphs.telehealth.sources.notices import topic_of
from subgraphs.telehealth.sources.vendor import Vendors, VideoVendor

APPOINTMENT: Final = "Appointment"
"""The type whose scopes, roles and compartment a video visit is under."""
SCHEDULING: Final = "scheduling"
"""The subgraph that seals the ids of appointments."""


@dataclass(frozen=True, slots=True)
class Telehealth:
    """The subgraph's own services."""

    vendors: Vendors
    keys: VisitKeys
    appointments: Mapping[str, AppointmentServer] = field(default_factory=dict)
    """The EHRs that keep the appointments of visits."""
    identities: bytes = b""
    """The key by which vendors are told who is who without being told who."""
    messages: Mapping[str, MessageSource] = field(default_factory=dict)
    letters: Mapping[str, CreatingServer] = field(default_factory=dict)
    """The sources that take messages."""
    writes: Writes | None = None


@dataclass(frozen=True, slots=True)
class _Described:
    """A visit as the access decision sees it: a part of its appointment, which the vendor tells."""

    sources: frozenset[str]
    type: str = APPOINTMENT
    labels: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    @property
    def tokens(self) -> Tokens:
        return {}


async def load_visit(request: Request[Telehealth], key: VisitKey) -> VisitNow | None:
    """The visit as it is now, or as last pushed; None if there is none for the caller to see."""
    vendor = request.services.vendors.of_channel(key.channel)
    compartment = await request.directed(Compartment(key.patient, key.links))
    if vendor is None or not may_see(request, compartment, vendor.source):
        return None
    return await _load(request, vendor, key.visit)


def may_see(request: Request[Telehealth], compartment: Compartment, vendor: str) -> bool:
    """Whether visits of this patient at this vendor can be shown."""
    access, record = request.access, _Described(frozenset({vendor}))
    return access.may_read(APPOINTMENT, compartment) and access.permits(record, compartment)


async def _load(request: Request[Telehealth], by: VideoVendor, id_: str) -> VisitNow | None:
    at, pushed = request.subgraph.now(), by.notices.latest(id_)

    async def batch(ids: list[str]) -> list[Visit | None]:
        found = await by.vendor.visits(ids)
        return [found.get(each) for each in ids]

    try:
        visit = await request.load(("visits", by.source), batch, id_)
    except UpstreamError as failure:
        now = VisitNow(by.source, id_, at, failure=failure, pushed=pushed)
        if pushed is None:
            raise source_down(now) from None
        return now
    return VisitNow(by.source, id_, at, visit=visit, pushed=pushed) if visit else None


def source_down(visit: VisitNow) -> SourcesDownError:
    assert visit.failure is not None, "only asked for where the vendor failed"
    return SourcesDownError([(visit.source, visit.failure.state)], visit.failure.retry_after)


def is_host(request: Request[Telehealth], key: VisitKey) -> bool:
    """Whether the caller is one of the clinicians of the appointment; a refusal is noted."""
    hosts = {f"{source}/Practitioner/{id_}" for source, id_ in key.practitioners}
    if request.access.caller.fhir_user in hosts:
        return True
    request.access.refuse(APPOINTMENT, "host-only", Compartment(key.patient, key.links))
    return False


@dataclass(frozen=True, slots=True)
class WatchedVisit:
    """A visit somebody watches, known by its id alone."""

    id: str
    """The vendor's."""
    appointment: str
    """The id of its appointment, as scheduling sealed it."""
    ref: RecordRef
    """The appointment."""
    source: str
    """The vendor that holds it."""

    @property
    def topic(self) -> str:
        return topic_of(self.source, self.id)


def watch(request: Request[Telehealth], sealed: str) -> WatchedVisit:
    """The visit with this id; `ClientError` where it is none."""
    visit = request.open("VirtualVisit", sealed)
    ref = visit and request.subgraph.ids.open(SCHEDULING, APPOINTMENT, visit.patient)
    if visit is None or ref is None:
        raise ClientError(Code.NOT_FOUND)
    return WatchedVisit(visit.id, visit.patient, ref, visit.source)


async def load_watched(request: Request[Telehealth], watched: WatchedVisit) -> VisitNow | None:
    """As it is now; None if there is none for the caller to see."""
    (compartment,) = await request.compartments([watched.ref])
    if compartment is None:
        return None
    vendor = request.services.vendors.get(watched.source)
    if vendor is None or not may_see(request, compartment, vendor.source):
        return None
    return await _load(request, vendor, watched.id)
