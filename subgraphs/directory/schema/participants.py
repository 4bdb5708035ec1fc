"""Who takes part in an appointment: scheduling names them, here they are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import federation

from subgraphs.directory.schema.places import Location, Organization
from subgraphs.directory.schema.practitioners import Practitioner
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.parties import LISTED, PartyRef, open_party
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation


@federation.type(keys=["reference"], description=fact_nodes.PARTICIPANT)
class AppointmentParticipant:
    reference: str | None = federation.field(inaccessible=True, description=fact_nodes.PARTY_KEY)
    ref: strawberry.Private[PartyRef | None]

    @strawberry.field(description=fact_nodes.PARTY_PRACTITIONER)
    async def practitioner(self, info: strawberry.Info) -> Practitioner | None:
        return await Practitioner.meant(info.context, self.ref)

    @strawberry.field(description=fact_nodes.PARTY_ORGANIZATION)
    async def organization(self, info: strawberry.Info) -> Organization | None:
        return await Organization.meant(info.context, self.ref)

    @strawberry.field(description=fact_nodes.PARTY_LOCATION)
    async def location(self, info: strawberry.Info) -> Location | None:
        return await Location.meant(info.context, self.ref)

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        keys = [representation.get("reference") for representation in representations]
        return [
            cls(reference=key, ref=open_party(request.subgraph.ids, LISTED, key)) for key in keys
        ]
