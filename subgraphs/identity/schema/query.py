"""The roots of the graph: a patient, patients, and who asks."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.identity.loaders import Identity, list_people, load_person
from subgraphs.identity.schema.reviews import IdentityReview, open_place, seal_place
from subgraphs.identity.schema.types import Patient, crawl_status
from subgraphs.identity.stewarding import STEWARD, is_steward, list_reviews
from subgraphs.runtime.connection import PAGE, Connection, connection_of, page_size
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for

_LIST = "patients"


@strawberry.type(description="Who asks.")
class Viewer:
    subject: str = strawberry.field(description="The subject of the token.")
    roles: list[str] = strawberry.field(description="The roles the token carries.")

    @federation.field(
        requires_scopes=scopes_for("Patient"),
        description="The launch patient, where the token has one.",
    )
    async def patient(self, info: strawberry.Info) -> Patient | None:
        # Only here, where it is asked for: whoever is loaded counts as read.
        request: Request[Identity] = info.context
        launch = request.access.launch
        person = await load_person(request, launch) if launch else None
        return Patient.of(request, person) if person else None


@strawberry.type
class Query:
    @federation.field(
        requires_scopes=scopes_for("Patient"),
        description="A patient by any id they ever had here. Null for an id that is unknown, and "
        "for one that is not the caller's to see.",
    )
    async def patient(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID, strawberry.argument(description="A `Patient.id`.")
        ],
    ) -> Patient | None:
        return await Patient.find(info.context, id)

    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for("Patient"),
        description="The patients the caller may see, in a stable order.",
    )
    async def patients(
        self,
        info: strawberry.Info,
        first: Annotated[int, strawberry.argument(description="At most 200.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="A cursor: what follows it.")
        ] = None,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Beginnings of names, two letters at least, and a birth date, all of "
                "which must fit: `alder jo 1968-03-14`."
            ),
        ] = None,
    ) -> Connection[Patient] | None:
        request: Request[Identity] = info.context
        ids = request.subgraph.ids
        place = ids.open_cursor(_LIST, after) if after is not None else None
        size = page_size(first)
        people = await list_people(request, Link(*place) if place else None, size, search)
        return connection_of(
            [Patient.of(request, person) for person in people.rows],
            [ids.seal_cursor(_LIST, person.founder) for person in people.rows],
            has_next=people.has_next,
            has_previous=place is not None,
            sources=[crawl_status(crawl) for crawl in await request.services.index.crawls()],
        )

    @federation.field(
        policy=[[STEWARD]],
        directives=[PAGE],
        description="People who may be one, for a human to decide; the likeliest first.",
    )
    async def identity_reviews(
        self,
        info: strawberry.Info,
        first: Annotated[int, strawberry.argument(description="At most 200.")] = 20,
        after: Annotated[
            str | None, strawberry.argument(description="A cursor: what follows it.")
        ] = None,
    ) -> Connection[IdentityReview] | None:
        request: Request[Identity] = info.context
        if not is_steward(request):
            raise ClientError(Code.FORBIDDEN)
        place, size = open_place(request, after), page_size(first)
        reviews = await list_reviews(request, place, size)
        return connection_of(
            [IdentityReview.of(request, review) for review in reviews.rows],
            [seal_place(request, review.place) for review in reviews.rows],
            has_next=reviews.has_next,
            has_previous=place is not None,
            sources=[crawl_status(crawl) for crawl in await request.services.index.crawls()],
        )

    @federation.field(authenticated=True, description="Who asks; null when nobody is signed in.")
    async def me(self, info: strawberry.Info) -> Viewer | None:
        request: Request[Identity] = info.context
        caller = request.access.caller
        return Viewer(subject=caller.subject, roles=list(caller.roles)) if caller.subject else None
