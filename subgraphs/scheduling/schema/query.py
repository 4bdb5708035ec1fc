"""The roots: times that are free, and the day of whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Annotated, Final

import strawberry
from strawberry import federation

from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, exact, instant
from subgraphs.runtime.scopes import scopes_for
from subgraphs.scheduling import model
from subgraphs.scheduling.calendars import SLOT, Opening, Wanted, find_openings
from subgraphs.scheduling.loaders import (
    Scheduling,
    load_day,
    own_records,
    records_of,
    soonest_first,
)
from subgraphs.scheduling.model import Span
from subgraphs.scheduling.schema.calendars import Slot
from subgraphs.scheduling.schema.types import Appointment

LONGEST: Final = timedelta(days=62)
"""What one question may span: two months of a practice."""

From = Annotated[
    DateTime, strawberry.argument(name="from", description="Only those that begin then or later.")
]
To = Annotated[
    DateTime,
    strawberry.argument(
        name="to",
        description="Only those that begin before; nothing later than 62 days after `from` is "
        "looked for.",
    ),
]


@strawberry.type
class Query:
    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for(SLOT),
        description="Times that are free, in the calendars of every source, the soonest first.",
    )
    async def slots(
        self,
        info: strawberry.Info,
        from_: From,
        to: To,
        *,
        specialty: Annotated[
            str | None,
            strawberry.argument(
                description="The code of a specialty, alone or as `system|code`: of the slot, or, "
                "where it says none, of its schedule."
            ),
        ] = None,
        service_type: Annotated[
            str | None,
            strawberry.argument(description="Likewise the code of what is to be done."),
        ] = None,
        practitioner: Annotated[
            strawberry.ID | None, strawberry.argument(description="A `Practitioner.id`.")
        ] = None,
        location: Annotated[
            strawberry.ID | None, strawberry.argument(description="A `Location.id`.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Slot] | None:
        request: Request[Scheduling] = info.context
        whose = None if practitioner is None else await _practitioner(request, practitioner)
        wanted = Wanted(
            span_ahead(request, from_, to),
            specialty,
            service_type,
            None if whose is None else tuple(_as_actor(link) for link in whose.rows),
            _location(request, location),
        )
        found = await find_openings(request, wanted)
        if whose is not None:
            found = Gathered(found.rows, (*found.sources, *whose.sources))
        return connect(
            request,
            Listing(id=partial(_slot_id, request), rank=_soonest),
            partial(Slot.opened, request),
            found,
            scope="slots",
            first=first,
            after=after,
        )

    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for("Appointment"),
        description="The appointments of whoever asks as a clinician, at every source that knows "
        "them by the same National Provider Identifier: the soonest first. Empty for everyone "
        "else; a patient's own are at `me.patient.appointments`.",
    )
    async def my_appointments(
        self, info: strawberry.Info, from_: From, to: To, first: First = None, after: After = None
    ) -> Connection[Appointment] | None:
        request: Request[Scheduling] = info.context
        whose = await own_records(request)
        return await list_day(request, whose, span(from_, to), "mine", first, after)


async def list_day(
    request: Request[Scheduling],
    practitioner: Gathered[Link],
    within: Span,
    whose: str,
    first: int | None,
    after: str | None,
) -> Connection[Appointment]:
    found = await load_day(request, practitioner, within)
    listing: Listing[Fact[model.Appointment]] = Listing(
        id=lambda fact: fact.id, rank=lambda fact: soonest_first(fact.rank)
    )
    node: Callable[[Fact[model.Appointment]], Appointment] = partial(Appointment.of, request)
    scope = f"day:{whose}"
    return connect(request, listing, node, found, scope=scope, first=first, after=after)


def span(from_: str, to: str) -> Span:
    """Both ends as sources are asked for them: in that order, and `LONGEST` apart at most."""
    start, end = instant(from_), instant(to)
    length = max(timedelta(0), min(end - start, LONGEST))
    return Span(exact(start), exact(start + length))


def span_ahead(request: Request[Scheduling], from_: str, to: str) -> Span:
    """Of times to book, only what lies ahead; what is past is as good as taken."""
    asked, now = span(from_, to), exact(request.subgraph.now())
    return Span(max(asked.start, now), max(asked.end, now))


async def _practitioner(request: Request[Scheduling], id_: str) -> Gathered[Link]:
    """As their own sources know them: for an id that is unknown, nobody."""
    if not request.access.may_read_shared(SLOT):
        return Gathered()
    return await records_of(request, id_)


def _location(request: Request[Scheduling], id_: str | None) -> tuple[Link, ...] | None:
    """What an id of the directory names, as its source knows it: nothing, if it is unknown."""
    if id_ is None:
        return None
    ref = request.subgraph.ids.open("directory", "Location", id_)
    return (Link(ref.source, f"Location/{ref.id}"),) if ref is not None else ()


def _as_actor(practitioner: Link) -> Link:
    return Link(practitioner.source, f"Practitioner/{practitioner.id}")


def _slot_id(request: Request[Scheduling], opening: Opening) -> str:
    return request.subgraph.ids.seal(request.subgraph.name, opening.ref)


def _soonest(opening: Opening) -> str:
    return soonest_first(opening.rank)
