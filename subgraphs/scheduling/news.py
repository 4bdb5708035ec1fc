"""Who is told that an appointment changed: whoever listens for someone who takes part in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from subgraphs.connectors.inbox.delivery import Delivery
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.events import Events
from subgraphs.runtime.sealing import RecordRef
from subgraphs.scheduling.model import Appointment

APPOINTMENT: Final = "Appointment"
_TOLD: Final = ("Patient", "Practitioner")


def topic_of(type_: str, link: Link) -> str:
    """What is published whenever an appointment of this patient or practitioner changes."""
    return f"appointment:{link.source}/{type_}/{link.id}"


def read_news(event: bytes) -> RecordRef:
    return msgspec.json.decode(event, type=RecordRef)


async def tell_change(events: Events, source: str, appointment: Appointment) -> None:
    owner = appointment.owner
    patient = owner.id_of("Patient") if owner else None
    if patient is None:
        return
    event = msgspec.json.encode(RecordRef(source, APPOINTMENT, appointment.id, patient))
    for topic in _topics(source, appointment):
        await events.publish(topic, event)


class AppointmentNews:
    """Tells of the appointments that a feed delivers."""

    def __init__(self, events: Events) -> None:
        self._events = events

    async def tell(self, source: str, delivery: Delivery) -> None:
        for appointment in _appointments(delivery.resources):
            await tell_change(self._events, source, appointment)


def _appointments(resources: Iterable[Mapping[str, Any]]) -> Iterable[Appointment]:
    for resource in resources:
        if resource["resourceType"] == APPOINTMENT:
            yield msgspec.convert(resource, Appointment)


def _topics(source: str, appointment: Appointment) -> list[str]:
    found = {
        topic_of(type_, Link(source, id_))
        for actor in appointment.actors()
        for type_ in _TOLD
        if (id_ := actor.id_of(type_))
    }
    # A feed names practitioners by their numbers.
    found |= {topic_of("Practitioner", Link(source, each)) for each in appointment.numbers()}
    return sorted(found)
