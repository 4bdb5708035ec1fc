"""Booking, moving and calling off, as mutations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeAlias

import strawberry

from contract.errors import Code
from subgraphs.connectors.errors import Rejected
from subgraphs.connectors.fhir.writing import NotConformingError
from subgraphs.runtime.creating import RefusedError
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.idempotency import Asked, KeyReusedError
from subgraphs.runtime.mutations import (
    Because,
    Denied,
    InvalidInput,
    NotFound,
    StateConflict,
    UpstreamRefused,
    check_key,
    mutation,
)
from subgraphs.runtime.request import Request
from subgraphs.scheduling.booking import (
    ConflictError,
    Done,
    NotTheirsError,
    book,
    cancel,
    reschedule,
)
from subgraphs.scheduling.loaders import Scheduling
from subgraphs.scheduling.news import APPOINTMENT
from subgraphs.scheduling.schema.types import Appointment
from subgraphs.scheduling.sources.bookings import NoRoom, NotAhead, Past, SlotTaken, Stale
from subgraphs.scheduling.sources.drafts import Wish

MAX_TEXT: Final = 500
_CONFLICTS: Final = {
    "SLOT_TAKEN": "Somebody else has the time by now.",
    "PAST": "The time has begun.",
    "NOT_AHEAD": "The appointment is over, or was called off.",
    "OTHER_SOURCE": "The time is in the calendar of another source.",
    "PATIENT_UNKNOWN": "The source of the calendar has no record of the patient.",
    "NO_VIDEO": "No video visit can be held for it.",
    "NOT_BOOKED_HERE": "Its source takes no bookings from here.",
}
_RAISED: Final[dict[type[Rejected], str]] = {
    SlotTaken: "SLOT_TAKEN",
    Past: "PAST",
    NotAhead: "NOT_AHEAD",
    NoRoom: "NO_VIDEO",
}
_ASKED = strawberry.argument(description="What is to be done.")
_KEY = "Of the caller's making, another for each intention: sent again, nothing is done twice."
_MATCH = "The `version` that was read: if it is another by now, nothing is changed."


@strawberry.type(description="It is in the calendar as asked for.")
class AppointmentChanged:
    appointment: Appointment | None = strawberry.field(
        description="As its source keeps it now; null for who may book and not read."
    )


AppointmentPayload = Annotated[
    AppointmentChanged | StateConflict | Denied | NotFound | InvalidInput | UpstreamRefused,
    strawberry.union(
        name="AppointmentPayload",
        description="How the booking, moving or calling off of an appointment can come out.",
    ),
]
Payload: TypeAlias = AppointmentChanged | StateConflict | Denied | UpstreamRefused


@strawberry.input(description="An appointment to be made.")
class BookAppointmentInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    slot: strawberry.ID = strawberry.field(description="The `Slot.id` of a free time.")
    patient: strawberry.ID = strawberry.field(description="The `Patient.id` of whom it is for.")
    reason: str | None = strawberry.field(
        default=None, description="Why, in words: at most 500 characters."
    )
    comment: str | None = strawberry.field(
        default=None, description="What the practice is to know: at most 500 characters."
    )
    service_type: str | None = strawberry.field(
        default=None,
        description="The code of one of the services that the slot or its schedule is for; the "
        "first of them if left out.",
    )
    video: bool = strawberry.field(default=False, description="Whether it is to be a video visit.")


@strawberry.input(description="An appointment to be moved.")
class RescheduleAppointmentInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    appointment: strawberry.ID = strawberry.field(description="An `Appointment.id`.")
    slot: strawberry.ID = strawberry.field(description="The `Slot.id` of a free time.")
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


@strawberry.input(description="An appointment to be called off.")
class CancelAppointmentInput:
    idempotency_key: str = strawberry.field(description=_KEY)
    appointment: strawberry.ID = strawberry.field(description="An `Appointment.id`.")
    reason: str | None = strawberry.field(
        default=None, description="Why, in words: at most 500 characters."
    )
    if_match: str | None = strawberry.field(default=None, description=_MATCH)


_Input: TypeAlias = BookAppointmentInput | RescheduleAppointmentInput | CancelAppointmentInput


def _writing(letter: str) -> list[list[str]]:
    return [[f"{level}/{APPOINTMENT}.{letter}"] for level in ("patient", "user")]


@strawberry.type(description="What changes something.")
class Mutation:
    @mutation(
        requires_scopes=_writing("c"),
        description="Book a free time. Conflicts: `SLOT_TAKEN`, `PAST`, `PATIENT_UNKNOWN`, "
        "`NO_VIDEO`, `NOT_BOOKED_HERE`.",
    )
    async def book_appointment(
        self,
        info: strawberry.Info,
        input: Annotated[BookAppointmentInput, _ASKED],  # noqa: A002 - its public name
    ) -> AppointmentPayload | None:
        request: Request[Scheduling] = info.context
        wish = Wish(
            _text("reason", input.reason), _text("comment", input.comment), input.service_type
        )
        asked = _asked(info, input)
        return await _answer(
            info,
            lambda: book(request, asked, input.slot, input.patient, wish, video=input.video),
        )

    @mutation(
        requires_scopes=_writing("u"),
        description="Move an appointment to a free time of the same source. Conflicts: "
        "`SLOT_TAKEN`, `PAST`, `NOT_AHEAD`, `OTHER_SOURCE`, `NOT_BOOKED_HERE`.",
    )
    async def reschedule_appointment(
        self,
        info: strawberry.Info,
        input: Annotated[RescheduleAppointmentInput, _ASKED],  # noqa: A002 - its public name
    ) -> AppointmentPayload | None:
        request: Request[Scheduling] = info.context
        asked = _asked(info, input)
        return await _answer(
            info,
            lambda: reschedule(request, asked, input.appointment, input.slot, input.if_match),
        )

    @mutation(
        requires_scopes=_writing("u"),
        description="Call an appointment off; its time is free again. Conflicts: `NOT_AHEAD`, "
        "`NOT_BOOKED_HERE`.",
    )
    async def cancel_appointment(
        self,
        info: strawberry.Info,
        input: Annotated[CancelAppointmentInput, _ASKED],  # noqa: A002 - its public name
    ) -> AppointmentPayload | None:
        request: Request[Scheduling] = info.context
        reason = _text("reason", input.reason)
        asked = _asked(info, input)
        return await _answer(
            info, lambda: cancel(request, asked, input.appointment, reason, input.if_match)
        )


def _asked(info: strawberry.Info, given: _Input) -> Asked:
    caller = info.context.access.caller
    key = check_key(given.idempotency_key)
    return Asked(caller, info.field_name, key, strawberry.asdict(given))


def _text(argument: str, given: str | None) -> str | None:
    text = (given or "").strip()
    if len(text) > MAX_TEXT:
        raise ClientError(Code.BAD_USER_INPUT, argument=argument, maximum=MAX_TEXT)
    return text or None


async def _answer(info: strawberry.Info, do: Callable[[], Awaitable[Done]]) -> Payload:
    """What came out, as data."""
    try:
        done = await do()
    except NotTheirsError:
        return Denied(
            code=Code.FORBIDDEN.value,
            message="Appointments are made by the patient, or by those who make them for others.",
        )
    except ConflictError as conflict:
        return _conflict(conflict.code)
    except (KeyReusedError, Stale) as conflict:
        is_stale = isinstance(conflict, Stale)
        return StateConflict.because(Because.STALE if is_stale else Because.KEY_REUSED)
    except NotConformingError as wrong:
        raise ClientError(Code.BAD_USER_INPUT, elements=list(wrong.elements)) from None
    except (SlotTaken, Past, NotAhead, NoRoom) as conflict:
        return _conflict(_RAISED[type(conflict)])
    except RefusedError as refused:
        return UpstreamRefused.of(refused.source, refused.refusal)
    fact = done.appointment
    return AppointmentChanged(appointment=Appointment.of(info.context, fact) if fact else None)


def _conflict(code: str) -> StateConflict:
    return StateConflict(code=code, message=_CONFLICTS[code])
