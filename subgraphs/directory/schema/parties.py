"""`Party` as the directory publishes it: with the nodes that other subgraphs know a key of."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.directory.schema.places import Location, Organization
from subgraphs.directory.schema.practitioners import Practitioner
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.naming import contained_in, type_of
from subgraphs.runtime.parties import name_of


@strawberry.type
class PartyNode:
    """Whom a record of a source names; types inherit it."""

    type: str | None = strawberry.field(description=fact_nodes.PARTY_TYPE)
    display: str | None = strawberry.field(description=fact_nodes.PARTY_DISPLAY)
    record: strawberry.Private[Record[Any]]
    reference: strawberry.Private[Reference | None]

    @strawberry.field(description=fact_nodes.PARTY_PRACTITIONER)
    async def practitioner(self, info: strawberry.Info) -> Practitioner | None:
        return await Practitioner.named(info.context, self.record, self.reference)

    @strawberry.field(description=fact_nodes.PARTY_ORGANIZATION)
    async def organization(self, info: strawberry.Info) -> Organization | None:
        return await Organization.named(info.context, self.record, self.reference)

    @strawberry.field(description=fact_nodes.PARTY_LOCATION)
    async def location(self, info: strawberry.Info) -> Location | None:
        return await Location.named(info.context, self.record, self.reference)


@federation.type(shareable=True, description=fact_nodes.PARTY)
class Party(PartyNode):
    @classmethod
    def of(cls, record: Record[Any], reference: Reference) -> Party:
        return cls(
            type=type_of(reference, contained_in(record.resource)),
            display=name_of(reference, contained_in(record.resource)),
            record=record,
            reference=reference,
        )
