"""The directory's own roots."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.directory import model
from subgraphs.directory.loaders import entries as loaders
from subgraphs.directory.loaders.entries import Directory
from subgraphs.directory.loaders.finding import Wanted, find_practitioners, read_words
from subgraphs.directory.schema.places import Location, Organization
from subgraphs.directory.schema.practitioners import Practitioner
from subgraphs.runtime.connection import PAGE, After, Connection, First, Listing, connect
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.parties import LOCATION, ORGANIZATION, PRACTITIONER
from subgraphs.runtime.request import Request
from subgraphs.runtime.scopes import scopes_for


@strawberry.type
class Query:
    @federation.field(
        requires_scopes=scopes_for("Practitioner"),
        description="A practitioner by `id` or by `npi`, of which one is to be given. NOT_FOUND "
        "for whoever is unknown, and for a number that fails its check.",
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
        if (id is None) == (npi is None):
            raise ClientError(Code.BAD_USER_INPUT, argument="id")
        by_id = loaders.by_id(request, PRACTITIONER, id)
        found = await Practitioner.find(request, by_id if npi is None else loaders.by_npi(npi))
        if found is None:
            raise ClientError(Code.NOT_FOUND)
        return found

    @federation.field(
        directives=[PAGE],
        requires_scopes=scopes_for("Practitioner"),
        description="Practitioners by name, by specialty or by both, in the order of their names; "
        "at least one of the two is to be given.",
    )
    async def practitioners(
        self,
        info: strawberry.Info,
        search: Annotated[
            str | None,
            strawberry.argument(
                description="Beginnings of names, two letters at least, all of which must fit."
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
        if search is None and not specialty:
            raise ClientError(Code.BAD_USER_INPUT, argument="search")
        wanted = Wanted(() if search is None else read_words(search), specialty or None)
        found = await find_practitioners(request, wanted)
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
        description="An organization by its id; NOT_FOUND for one that is unknown.",
    )
    async def organization(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID, strawberry.argument(description="An `Organization.id`.")
        ],
    ) -> Organization | None:
        sought = loaders.by_id(info.context, ORGANIZATION, id)
        found = await Organization.find(info.context, sought)
        if found is None:
            raise ClientError(Code.NOT_FOUND)
        return found

    @federation.field(
        requires_scopes=scopes_for("Location"),
        description="A place by its id; NOT_FOUND for one that is unknown.",
    )
    async def location(
        self,
        info: strawberry.Info,
        id: Annotated[  # noqa: A002 - the argument's public name
            strawberry.ID, strawberry.argument(description="A `Location.id`.")
        ],
    ) -> Location | None:
        found = await Location.find(info.context, loaders.by_id(info.context, LOCATION, id))
        if found is None:
            raise ClientError(Code.NOT_FOUND)
        return found
