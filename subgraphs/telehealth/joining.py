"""Who is let into a video visit, by which door, and from when on."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contract.errors import Code
from subgraphs.connectors.errors import CircuitOpen, RateLimited, Refused, Rejected, UpstreamError
from subgraphs.connectors.telehealth.visit import Door
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.errors import ClientError, SourcesDownError
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import instant
from subgraphs.telehealth.loaders import APPOINTMENT, Telehealth, may_see, watch
from subgraphs.telehealth.sources.appointments import BookedVisit, read_booked

EARLY: Final = timedelta(minutes=15)
"""So long before it begins the patient's door opens."""
LATE: Final = timedelta(hours=1)
"""So long after it was to end both doors are still there: visits run over."""
_MISSING_END: Final = timedelta(hours=1)


class NotInvitedError(Exception):
    """The caller takes no part in the visit."""


class ShutError(Exception):
    """There is no entering now; `code` is the conflict's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entrance:
    door: Door
    as_host: bool


async def enter(request: Request[Telehealth], sealed: str) -> Entrance:
    """A door of the visit with this id, for whoever asks.

    Raises `NotInvitedError`, `ShutError`, `Rejected` and `Refused` of the vendor.
    """
    visit = watch(request, sealed)
    vendor = request.services.vendors.get(visit.source)
    ehr = request.services.appointments.get(visit.ref.source)
    (compartment,) = await request.compartments([visit.ref])
    if vendor is None or ehr is None or compartment is None:
        raise ClientError(Code.NOT_FOUND)
    if not may_see(request, compartment, vendor.source):
        raise ClientError(Code.NOT_FOUND)
    try:
        booked = await read_booked(ehr, visit.ref.id)
    except UpstreamError as failure:
        raise SourcesDownError([(visit.ref.source, failure.state)], failure.retry_after) from None
    if booked is None or not booked.has("Patient", visit.ref.patient):
        raise ClientError(Code.NOT_FOUND)
    as_host = _is_host(request, booked, visit.ref.source)
    if not as_host and not _is_patient(request, compartment):
        request.access.refuse(APPOINTMENT, "host-only", compartment)
        raise NotInvitedError
    _check_time(request, booked, as_host=as_host)
    identity = _identity(request, visit.id, as_host=as_host)
    try:
        door = await vendor.vendor.door(visit.id, identity, host=as_host)
    except (Rejected, Refused):
        raise
    except (RateLimited, CircuitOpen, UpstreamError) as failure:
        raise SourcesDownError([(visit.source, failure.state)], failure.retry_after) from None
    if door is None:
        raise ClientError(Code.NOT_FOUND)
    return Entrance(door, as_host)


def _is_host(request: Request[Telehealth], booked: BookedVisit, source: str) -> bool:
    """Whether the caller is a clinician who takes part, at the EHR whose appointment it is."""
    at, _, own = (request.access.caller.fhir_user or "").partition("/")
    type_, _, id_ = own.partition("/")
    return at == source and type_ == "Practitioner" and booked.has(type_, id_)


def _is_patient(request: Request[Telehealth], compartment: Compartment) -> bool:
    """Herself, or her proxy: a parent sits beside her child."""
    is_hers = request.access.launch in compartment.links
    return request.access.is_herself(compartment) or (request.access.has_role("proxy") and is_hers)


def _check_time(request: Request[Telehealth], booked: BookedVisit, *, as_host: bool) -> None:
    if not booked.takes_place or booked.start is None:
        raise ShutError("NOT_HELD")
    start, now = instant(booked.start), request.subgraph.now()
    end = instant(booked.end) if booked.end else start + _MISSING_END
    if now > end + LATE:
        raise ShutError("OVER")
    if not as_host and now < start - EARLY:
        raise ShutError("TOO_EARLY")


def _identity(request: Request[Telehealth], visit: str, *, as_host: bool) -> str:
    """Whoever asks, as the vendor is to know them: the same in one visit, of no use in another."""
    told = f"{visit}\x1f{request.access.caller.issuer}\x1f{request.access.caller.subject}"
    mac = hmac.new(request.services.identities, told.encode(), hashlib.sha256).hexdigest()
    return f"{'host' if as_host else 'guest'}-{mac[:24]}"
