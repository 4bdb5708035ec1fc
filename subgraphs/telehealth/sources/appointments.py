"""The appointment of a visit, as its EHR has it at this moment: who may enter, and when.

Asked anew for each door, so that one who no longer takes part finds it shut.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from subgraphs.connectors.errors import ProtocolViolation
from subgraphs.runtime.fhir import Element, Reference, Resource

_GONE = frozenset({"cancelled", "noshow", "entered-in-error", "proposed", "waitlist"})


class Participant(Element, frozen=True):
    actor: Reference | None = None
    status: str | None = None


class BookedVisit(Resource, frozen=True, kw_only=True):
    """FHIR Appointment, as far as a door depends on it."""

    status: str | None = None
    start: str | None = None
    end: str | None = None
    participant: tuple[Participant, ...] = ()

    @property
    def takes_place(self) -> bool:
        return self.status is not None and self.status not in _GONE

    def has(self, type_: str, id_: str) -> bool:
        """Whether they take part, and have not declined."""
        return any(
            each.actor is not None and each.actor.id_of(type_) == id_
            for each in self.participant
            if each.status != "declined"
        )


class AppointmentServer(Protocol):
    """The part of a FHIR server that is needed here."""

    async def read(self, resource_type: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]: ...


async def read_booked(server: AppointmentServer, id_: str) -> BookedVisit | None:
    found = (await server.read("Appointment", [id_])).get(id_)
    if found is None:
        return None
    try:
        return msgspec.convert(found, BookedVisit)
    except msgspec.ValidationError:
        raise ProtocolViolation("an appointment cannot be read") from None
