"""The directory's own roots."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from subgraphs.directory import model
from subgraphs.directory.loaders import entries as loaders
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.loaders.finding import Wanted, find_practitioners, read_words
from subgraphs.directory.schema.places import Location, Organization
from subgraphs.directory.schema.practitioners import Practitioner
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.parties import LOCATION, ORGANIZATION, PRACTITIONER
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for


@strawberry.type
class Query:
    @federation.field(
        requires_scopes=scopes_for("Practitioner"),
        description="A practitioner by `id`, by `npi`, or by both, where both have to fit. Null "
        "for whoever is unknown, for a number that fails its check, and where neither is given.",
    )
    async def practitioner(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID | None, strawberry.argument(description="A `Practitioner.id`.")
        ] = None,
        npi: Annotated[
            str | None,
            strawberry.argument(description="A National Provider Identifier, ten digits."),
        ] = None,
    ) -> Practitioner | None:
        request: Request[Directory] = info.context
        by_number = loaders.by_npi(npi) if npi is not None else None
        if id is None:
            return await Practitioner.find(request, by_number)
        found = await Practitioner.find(request, loaders.by_id(request, PRACTITIONER, id))
        return found if npi is None or (found and found.npi == npi) else None

    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for("Practitioner"),
        description="Practitioners by name, by specialty or by both, in the order of their names; "
        "nobody where neither is given.",
    )
    async def practitioners(
        self,
        info: strawberry.Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Beginnings of names, two letters at least and eight of them at most, "
                "all of which must fit."
            ),
        ] = None,
        specialty: Annotated[
            str | None,
            strawberry.argument(
                description="The code of a specialty, alone or as `system|code`: as a rule NUCC, "
                "http://nucc.org/provider-taxonomy. It takes the right to read PractitionerRole."
            ),
        ] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[Practitioner] | None:
        request: Request[Directory] = info.context
        words = () if search is None else read_words(search)
        found: Gathered[Entry[model.Practitioner]] = Gathered()
        if words or (words is not None and specialty):
            found = await find_practitioners(request, Wanted(words, specialty or None))
        listing: Listing[Entry[model.Practitioner]] = Listing(
            id=lambda entry: entry.id,
            rank=lambda entry: entry.kind.rank(entry.resource),
            ascending=True,
        )
        scope = "practitioners"
        return connect(
            request, listing, Practitioner.of, found, scope=scope, first=first, after=after
        )

    @federation.field(
        requires_scopes=scopes_for("Organization"),
        description="An organization by its id; null for one that is unknown.",
    )
    async def organization(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID, strawberry.argument(description="An `Organization.id`.")
        ],
    ) -> Organization | None:
        sought = loaders.by_id(info.context, ORGANIZATION, id)
        return await Organization.find(info.context, sought)

    @federation.field(
        requires_scopes=scopes_for("Location"),
        description="A place by its id; null for one that is unknown.",
    )
    async def location(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID, strawberry.argument(description="A `Location.id`.")
        ],
    ) -> Location | None:
        return await Location.find(info.context, loaders.by_id(info.context, LOCATION, id))
