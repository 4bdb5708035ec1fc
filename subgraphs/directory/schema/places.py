"""Organizations, and the places where they are."""

from __future__ import annotations

from decimal import Decimal

import strawberry
from strawberry import federation

from subgraphs.directory import model
from subgraphs.directory.loaders import entries as loaders
from subgraphs.directory.schema.entries import Findable, identifiers_of
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.datatypes import FEW, Address, CodeableConcept, ContactPoint, Identifier
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.fact_nodes import EntryNode, common
from subgraphs.runtime.parties import LOCATION, ORGANIZATION
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id", "reference"],
    requires_scopes=scopes_for("Organization"),
    description=fact_nodes.ORGANIZATION,
)
class Organization(EntryNode, Findable):
    listed = loaders.ORGANIZATION
    named_as = (ORGANIZATION,)

    npi: str | None = strawberry.field(
        description="The National Provider Identifier, ten digits; null where no source has one "
        "whose check digit is right."
    )
    identifiers: list[Identifier] = strawberry.field(
        directives=[FEW], description="Every number that any source knows it by."
    )
    active: bool | None = strawberry.field(description="Whether the record is in use.")
    name: str | None = strawberry.field(description="Its name.")
    type: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="`prov`, `dept`, `ins`, `pay`, …; "
        "http://terminology.hl7.org/CodeSystem/organization-type",
    )
    telecom: list[ContactPoint] = strawberry.field(directives=[FEW], description="How to reach it.")
    addresses: list[Address] = strawberry.field(directives=[FEW], description="Where it is.")
    reference: str | None = federation.field(
        inaccessible=True, default=None, description=fact_nodes.PARTY_KEY
    )
    fact: strawberry.Private[Entry[model.Organization]]

    @strawberry.field(description="The organization it is a part of.")
    async def part_of(self, info: strawberry.Info) -> Organization | None:
        record = next((r for r in self.fact.records if r.resource.part_of), self.fact.records[0])
        return await Organization.named(info.context, record, record.resource.part_of)

    @classmethod
    def of(cls, entry: Entry[model.Organization]) -> Organization:
        record = entry.resource
        return cls(
            **common(entry),
            npi=record.npi,
            identifiers=identifiers_of(entry),
            active=record.active,
            name=record.name,
            type=CodeableConcept.all_of(record.type),
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            addresses=[Address.of(address) for address in record.address],
        )


@strawberry.type(description="A point on the earth: WGS84.")
class GeoPosition:
    latitude: Decimal | None = strawberry.field(description="In degrees, north of the equator.")
    longitude: Decimal | None = strawberry.field(description="In degrees, east of Greenwich.")


@federation.type(
    keys=["id", "reference"],
    requires_scopes=scopes_for("Location"),
    description=fact_nodes.LOCATION,
)
class Location(EntryNode, Findable):
    listed = loaders.LOCATION
    named_as = (LOCATION,)

    identifiers: list[Identifier] = strawberry.field(
        directives=[FEW], description="Every number that any source knows it by."
    )
    status: str | None = strawberry.field(
        description="`active`, `suspended` or `inactive`; http://hl7.org/fhir/location-status"
    )
    name: str | None = strawberry.field(description="Its name.")
    description: str | None = strawberry.field(description="How to know it, in words.")
    type: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="What is done there: http://terminology.hl7.org/CodeSystem/v3-RoleCode",
    )
    telecom: list[ContactPoint] = strawberry.field(directives=[FEW], description="How to reach it.")
    address: Address | None = strawberry.field(description="Where it is.")
    position: GeoPosition | None = strawberry.field(description="Where it is on the map.")
    reference: str | None = federation.field(
        inaccessible=True, default=None, description=fact_nodes.PARTY_KEY
    )
    fact: strawberry.Private[Entry[model.Location]]

    @strawberry.field(description="Who runs it.")
    async def organization(self, info: strawberry.Info) -> Organization | None:
        record = self.fact.records[0]
        owner = record.resource.managing_organization
        return await Organization.named(info.context, record, owner)

    @classmethod
    def of(cls, entry: Entry[model.Location]) -> Location:
        record = entry.resource
        at = record.position
        return cls(
            **common(entry),
            identifiers=identifiers_of(entry),
            status=record.status,
            name=record.name,
            description=record.description,
            type=CodeableConcept.all_of(record.type),
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            address=Address.of(record.address) if record.address else None,
            position=GeoPosition(latitude=at.latitude, longitude=at.longitude) if at else None,
        )
