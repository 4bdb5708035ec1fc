"""What is told as it happens: an appointment was made, moved or called off."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import RequiresScopes

from contract.errors import Code
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.facts import load_by_id
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for
from subgraphs.runtime.sealing import RecordRef
from subgraphs.runtime.subscribing import UNSEEN, Unseen
from subgraphs.scheduling.loaders import (
    APPOINTMENTS,
    Scheduling,
    load_appointments,
    own_practitioner,
    own_records,
    records_of,
)
from subgraphs.scheduling.news import APPOINTMENT, read_news, topic_of
from subgraphs.scheduling.schema.types import Appointment


@federation.type(
    requires_scopes=scopes_for(APPOINTMENT),
    description="An appointment that was made, moved, called off or otherwise changed.",
)
class AppointmentEvent:
    appointment: Appointment = strawberry.field(description="As it is now.")


@dataclass(frozen=True, slots=True)
class _Change:
    """`subgraphs.runtime.subscribing.Event`"""

    ref: RecordRef

    async def load(self, request: Request[Scheduling]) -> AppointmentEvent | Unseen:
        sealed = request.subgraph.ids.seal(request.subgraph.name, self.ref)
        (found,) = await load_by_id(
            request, APPOINTMENTS, [sealed], lambda patient: load_appointments(request, patient)
        )
        if isinstance(found, Exception):
            if isinstance(found, ClientError) and found.code is Code.NOT_FOUND:
                return UNSEEN
            raise found
        return AppointmentEvent(appointment=Appointment.of(request, found))


@strawberry.type(description="What is told as it happens.")
class Subscription:
    @strawberry.subscription(
        graphql_type=AppointmentEvent | None,
        directives=[RequiresScopes(scopes=scopes_for(APPOINTMENT))],
        description="Each change of an appointment of a patient or of a practitioner, or, where "
        "neither is named, of whoever asks: by bookings made here and by the messages of a feed. "
        "What the caller may not see is not told.",
    )
    async def appointment_changed(
        self,
        info: strawberry.Info,
        patient_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="A `Patient.id`.")
        ] = None,
        practitioner_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="A `Practitioner.id`.")
        ] = None,
    ) -> AsyncGenerator[Any, None]:
        request: Request[Scheduling] = info.context
        if patient_id is not None and practitioner_id is not None:
            raise ClientError(Code.BAD_USER_INPUT, argument="practitionerId")
        topics = await _topics(request, patient_id, practitioner_id)
        with request.subgraph.events.listen(*topics) as changes:
            async for change in changes:
                yield _Change(read_news(change))


async def _topics(
    request: Request[Scheduling], patient: str | None, practitioner: str | None
) -> list[str]:
    """What to listen to, once it is decided that the caller may."""
    if practitioner is not None:
        _permit(request)
        return _heard(await records_of(request, practitioner))
    if patient is None:
        if own_practitioner(request) is not None:
            _permit(request)
            return _heard(await own_records(request))
        launch = request.access.launch
        ref = launch and RecordRef(launch.source, "Patient", launch.id, launch.id)
    else:
        ref = request.subgraph.ids.open("identity", "Patient", patient)
    compartment = (await request.compartments([ref]))[0] if ref else None
    if compartment is None or not request.access.may_read(APPOINTMENT, compartment):
        raise ClientError(Code.NOT_FOUND)
    return [topic_of("Patient", link) for link in compartment.links]


def _permit(request: Request[Scheduling]) -> None:
    if not request.access.may_read_any(APPOINTMENT):
        raise ClientError(Code.FORBIDDEN)


def _heard(found: Gathered[Link]) -> list[str]:
    if not found.rows:
        raise ClientError(Code.NOT_FOUND)
    for report in found.sources:
        # What goes unheard would go unnoticed: whoever listens is told to try again.
        found.or_raise(report.source)
    return [topic_of("Practitioner", link) for link in found.rows]
