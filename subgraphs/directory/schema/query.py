"""The directory's own roots."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.directory import loaders
from subgraphs.directory.loaders import Directory
from subgraphs.directory.schema.entries import Location, Organization, Practitioner
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
