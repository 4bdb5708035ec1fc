"""Writing in an EHR's calendars, so that no time is given away twice and no booking is lost.

Where the server takes transactions, an appointment and its slots change in one of them. Elsewhere a
slot is claimed before anything refers to it, and freed after nothing does any more: whoever dies in
between, at worst a slot stays taken until the same is asked for again. A claimed slot carries the
write's token, so that it is known whose it is; every write names the version it was made from, so
that of two at once the second is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import msgspec

from subgraphs.connectors.errors import Refused, Rejected
from subgraphs.connectors.fhir.capabilities import Capabilities
from subgraphs.connectors.fhir.transaction import Change, Create, Update
from subgraphs.connectors.fhir.writing import is_marked, is_stale, marked, unmarked
from subgraphs.scheduling.model import AHEAD, BUSY, FREE, Appointment

Wire: TypeAlias = dict[str, Any]
ResultT = TypeVar("ResultT")

APPOINTMENT: Final = "Appointment"
SLOT: Final = "Slot"
TRIES: Final = 3
"""A resource may change for a reason that does not concern us, between our reading and writing."""


class SlotTaken(Rejected):
    """Somebody else has the time."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.CONFLICT)


class Stale(Rejected):
    """The appointment is not the version that was read."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.PRECONDITION_FAILED)


class Past(Rejected):
    """The slot has begun."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.CONFLICT)


class NoRoom(Rejected):
    """The telehealth vendor holds no visit for it."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.CONFLICT)


class NotAhead(Rejected):
    """The appointment is over, or called off already."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.CONFLICT)


class Unversioned(Rejected):
    """The server keeps no versions, so that of two bookings at once both would be taken."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.NOT_IMPLEMENTED, ("not-supported",))


CONFLICTS: Final = (SlotTaken, Stale, Past, NoRoom, NotAhead)
"""What is not a refusal of the source's own."""


class Written(msgspec.Struct, frozen=True):
    """The appointment as its EHR keeps it now."""

    appointment: Wire


class BookingServer(Protocol):
    """The part of a FHIR server that is needed here."""

    async def capabilities(self) -> Capabilities: ...

    async def read(self, resource_type: str, ids: Sequence[str]) -> dict[str, Wire]: ...

    async def create(self, resource: Wire, token: str) -> Wire: ...

    async def update(self, resource: Wire, version: str) -> Wire: ...

    async def find_written(self, resource_type: str, token: str) -> Wire | None: ...

    async def find_marked(self, resource_type: str, token: str) -> list[Wire]: ...

    async def transact(self, changes: Sequence[Change]) -> list[Wire]: ...


class Draft(Protocol):
    """An appointment to be made."""

    async def write(self, token: str) -> Wire:
        """The resource; what it needs elsewhere is there by then."""
        ...

    async def discard(self) -> None:
        """It is not made after all."""
        ...


@dataclass(frozen=True, slots=True)
class Booking:
    """An appointment in a slot. `subgraphs.runtime.writes.Write`"""

    source: str
    server: BookingServer
    slot: str
    draft: Draft
    outcome: type[Written] = Written

    async def send(self, token: str) -> Written:
        calendar = _Calendar(self.server, token)
        slot = await calendar.claimable(self.slot)
        appointment = await self.draft.write(token)
        try:
            if is_marked(slot, token) or not await calendar.is_whole():
                return Written(await self._in_turn(calendar, slot, appointment))
            return Written(await self._at_once(calendar, slot, appointment))
        except (Rejected, Refused):
            await self.draft.discard()
            raise

    async def find(self, token: str) -> Written | None:
        found = await self.server.find_written(APPOINTMENT, token)
        return None if found is None else Written(found)

    async def _at_once(self, calendar: _Calendar, slot: Wire, appointment: Wire) -> Wire:
        for _ in range(TRIES):
            taken = Update(_busy(slot), version_of(slot))
            try:
                create = Create(appointment, calendar.token)
                written, _ = await self.server.transact([create, taken])
            except Rejected as error:
                if not is_stale(error):
                    raise
            else:
                return written
            slot = await calendar.claimable(self.slot)
        raise SlotTaken

    async def _in_turn(self, calendar: _Calendar, slot: Wire, appointment: Wire) -> Wire:
        for _ in range(TRIES):
            if await calendar.claim(slot):
                break
            slot = await calendar.claimable(self.slot)
        else:
            raise SlotTaken
        try:
            return await self.server.create(appointment, calendar.token)
        except (Rejected, Refused):
            await calendar.release(keep=())
            raise


@dataclass(frozen=True, slots=True)
class Changing:
    """An appointment that moves to another slot, or is called off and leaves its own.

    `changed` gives what it becomes, from what it is.
    """

    source: str
    server: BookingServer
    id: str
    changed: Callable[[Wire], Wire]
    if_match: str | None = None
    to: str | None = None
    """The slot it moves to."""
    outcome: type[Written] = Written

    async def send(self, token: str) -> Written:
        calendar = _Calendar(self.server, token)
        for _ in range(TRIES):
            was = await self._read()
            if is_marked(was, token):
                return await self._end(calendar, was)
            if self.if_match not in (None, version_of(was)):
                raise Stale
            if was.get("status") not in AHEAD:
                raise NotAhead
            try:
                return await self._change(calendar, was)
            except Stale:
                # Of the appointment or of a slot: read anew, it is known which.
                continue
        raise Stale

    async def find(self, token: str) -> Written | None:
        """None also where its slots are not settled yet: sending it again does that."""
        found = await self.server.find_written(APPOINTMENT, token)
        if found is None or await _Calendar(self.server, token).unsettled(in_use(found)):
            return None
        return Written(found)

    async def _read(self) -> Wire:
        found = (await self.server.read(APPOINTMENT, [self.id])).get(self.id)
        if found is None:
            raise Rejected(HTTPStatus.NOT_FOUND, ("not-found",))
        return found

    async def _change(self, calendar: _Calendar, was: Wire) -> Written:
        # The tokens of earlier writes stay: somebody may still ask what became of them.
        becomes = marked(self.changed(was), calendar.token)
        claimed = [await calendar.claimable(self.to)] if self.to else []
        left = await calendar.held([id_ for id_ in in_use(was) if id_ != self.to])
        change = Update(becomes, version_of(was))
        if await calendar.is_whole():
            taken = [Update(_busy(slot), version_of(slot)) for slot in claimed]
            freed = [Update(_freed(slot), version_of(slot)) for slot in left]
            written, *_ = await _unless_stale(self.server.transact([change, *taken, *freed]))
            return Written(written)
        try:
            for slot in (*claimed, *left):
                if not await calendar.claim(slot):
                    raise Stale
            written = await _unless_stale(self.server.update(change.resource, change.version))
        except (Rejected, Refused):
            await calendar.release(keep=in_use(was))
            raise
        return await self._end(calendar, written)

    async def _end(self, calendar: _Calendar, written: Wire) -> Written:
        await calendar.release(keep=in_use(written))
        return Written(written)


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The slots of one server, as one write sees them."""

    server: BookingServer
    token: str

    async def is_whole(self) -> bool:
        """Whether several changes can be one."""
        return (await self.server.capabilities()).transaction

    async def claimable(self, id_: str) -> Wire:
        """The slot as it is; `SlotTaken` where it is not free, unless it was claimed by us."""
        slot = (await self.server.read(SLOT, [id_])).get(id_)
        if slot is None or not (slot.get("status") == FREE or is_marked(slot, self.token)):
            raise SlotTaken
        version_of(slot)
        return slot

    async def held(self, ids: Sequence[str]) -> list[Wire]:
        """Those of these that are taken, by whom they are to be left."""
        found = await self.server.read(SLOT, ids) if ids else {}
        return [slot for slot in found.values() if slot.get("status") != FREE]

    async def claim(self, slot: Wire) -> bool:
        """Mark it as taken by this write; False where it has changed since it was read."""
        if is_marked(slot, self.token):
            return True
        mine = marked(unmarked(_busy(slot)), self.token)
        try:
            await self.server.update(mine, version_of(slot))
        except Rejected as error:
            if not is_stale(error):
                raise
            return False
        return True

    async def unsettled(self, keep: Collection[str]) -> list[Wire]:
        """What this write has claimed and is not to keep."""
        try:
            mine = await self.server.find_marked(SLOT, self.token)
        except Rejected:
            # A server that does not search slots by identifier.
            return []
        return [slot for slot in mine if slot["id"] not in keep and slot.get("status") != FREE]

    async def release(self, keep: Collection[str]) -> None:
        for slot in await self.unsettled(keep):
            try:
                await self.server.update(_freed(slot), version_of(slot))
            except Rejected as error:
                # Whoever has changed it since has it now.
                if not is_stale(error):
                    raise


def version_of(resource: Wire) -> str:
    """Raises `Unversioned`."""
    version = resource.get("meta", {}).get("versionId")
    if not isinstance(version, str):
        raise Unversioned
    return version


def in_use(appointment: Wire) -> list[str]:
    """The ids of the slots that it takes."""
    if appointment.get("status") not in AHEAD:
        return []
    return list(msgspec.convert(appointment, Appointment).slots)


async def _unless_stale(call: Awaitable[ResultT]) -> ResultT:
    try:
        return await call
    except Rejected as error:
        if is_stale(error):
            raise Stale from None
        raise


def _busy(slot: Wire) -> Wire:
    return {**slot, "status": BUSY}


def _freed(slot: Wire) -> Wire:
    return {**unmarked(slot), "status": FREE}
