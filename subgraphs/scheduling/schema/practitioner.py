"""A practitioner's calendar: what is booked in it, and what is next to be had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Self

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.runtime.connection import PAGE, After, Connection, First
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import FEW
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import FACT_ID, PRACTITIONER
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import exact
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for
from subgraphs.scheduling.calendars import SLOT, load_next
from subgraphs.scheduling.loaders import Scheduling
from subgraphs.scheduling.model import Span
from subgraphs.scheduling.practitioners import named
from subgraphs.scheduling.schema.calendars import Slot
from subgraphs.scheduling.schema.query import LONGEST, From, To, list_day, span
from subgraphs.scheduling.schema.types import Appointment

MOST: Final = 20


@federation.type(keys=["id"], description=PRACTITIONER)
class Practitioner:
    id: strawberry.ID = strawberry.field(description=FACT_ID)
    links: str | None = federation.field(
        external=True, default=None, description="Where the practitioner's records are, sealed."
    )

    @federation.field(
        directives=[PAGE],
        requires=["links"],
        requires_scopes=scopes_for("Appointment"),
        description="Their appointments at every source, the soonest first: of the patients the "
        "caller may see.",
    )
    async def appointments(
        self, info: strawberry.Info, from_: From, to: To, first: First = None, after: After = None
    ) -> Connection[Appointment] | None:
        request: Request[Scheduling] = info.context
        whose: Gathered[Link] = Gathered((*self._links(request), *self._in_feeds(request)))
        return await list_day(request, whose, span(from_, to), self.id, first, after)

    @federation.field(
        directives=[FEW],
        requires=["links"],
        requires_scopes=scopes_for(SLOT),
        description="The first times that are free with them, within the next 62 days.",
    )
    async def next_slots(
        self,
        info: strawberry.Info,
        first: Annotated[
            int, strawberry.argument(description="How many: more than 20 are 20.")
        ] = 3,
    ) -> list[Slot] | None:
        request: Request[Scheduling] = info.context
        now = request.subgraph.now()
        # To the hour, so that all who are asked about in one moment are one question.
        start = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        within = Span(exact(start), exact(start + LONGEST))
        known = self._links(request)
        actors = tuple(Link(link.source, f"Practitioner/{link.id}") for link in known)
        found = await load_next(request, actors, within, max(0, min(first, MOST)))
        return [Slot.opened(request, opening) for opening in found]

    def _links(self, request: Request[Any]) -> tuple[Link, ...]:
        opened = request.subgraph.crosswalk.open_practitioner(self.id, self.links or "")
        if opened is None:
            raise ClientError(Code.NOT_FOUND)
        return opened

    def _in_feeds(self, request: Request[Scheduling]) -> tuple[Link, ...]:
        found = named(request, self.id)
        return request.services.practitioners.in_feeds(found[1]) if found else ()

    @classmethod
    async def resolve_references(
        cls, _request: Request[Any], representations: Sequence[Representation]
    ) -> list[Self | Exception]:
        return [cls._of(representation) for representation in representations]

    @classmethod
    def _of(cls, representation: Representation) -> Self | Exception:
        id_, links = representation.get("id"), representation.get("links")
        if not isinstance(id_, str) or not isinstance(links, str | None):
            return ClientError(Code.BAD_REQUEST, "A representation lacks its key.")
        return cls(id=strawberry.ID(id_), links=links)
