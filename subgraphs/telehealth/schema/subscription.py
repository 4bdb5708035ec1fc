"""How a video visit stands, as it happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import RequiresScopes

from subgraphs.runtime.datatypes import Provenance
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for
from subgraphs.telehealth.loaders import (
    APPOINTMENT,
    Telehealth,
    WatchedVisit,
    load_watched,
    watch,
)
from subgraphs.telehealth.schema.types import (
    Appointment,
    VirtualVisitStatus,
    provenance_of,
    status_of,
    visit_id,
)


@federation.type(
    requires_scopes=scopes_for(APPOINTMENT),
    description="How a video visit stands, told anew whenever its vendor says that it changed.",
)
class VirtualVisitEvent:
    id: strawberry.ID = strawberry.field(description="The visit's.")
    status: VirtualVisitStatus | None = strawberry.field(
        description="Where it stands; null for a status this graph does not know."
    )
    provenance: list[Provenance] = strawberry.field(
        description="`WEBHOOK` while the vendor is down and only its notice tells the status."
    )
    appointment: Appointment = strawberry.field(
        description="The appointment, through which everything else of the visit is found."
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """`subgraphs.runtime.subscribing.Event`"""

    watched: WatchedVisit

    async def load(self, request: Request[Telehealth]) -> VirtualVisitEvent | None:
        visit = await load_watched(request, self.watched)
        if visit is None:
            return None
        appointment = self.watched.appointment
        return VirtualVisitEvent(
            id=visit_id(request, visit, appointment),
            status=status_of(visit.status),
            provenance=[provenance_of(visit)],
            appointment=Appointment(id=strawberry.ID(appointment)),
        )


@strawberry.type(description="What is told as it happens.")
class Subscription:
    @strawberry.subscription(
        graphql_type=VirtualVisitEvent | None,
        directives=[RequiresScopes(scopes=scopes_for(APPOINTMENT))],
        description="How a video visit stands: now, and whenever that changes; null once the "
        "caller may no longer see it.",
    )
    async def virtual_visit_status(
        self,
        info: strawberry.Info,
        visit_id: Annotated[
            strawberry.ID, strawberry.argument(description="The `id` of a `VirtualVisit`.")
        ],
    ) -> AsyncGenerator[Any, None]:
        request: Request[Telehealth] = info.context
        watched = watch(request, visit_id)
        with request.subgraph.events.listen(watched.topic) as changes:
            yield _Change(watched)
            async for _ in changes:
                yield _Change(watched)
