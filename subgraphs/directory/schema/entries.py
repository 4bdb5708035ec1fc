"""Practitioners, their roles, organizations and places.

One file, because each leads to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.directory import model
from subgraphs.directory.loaders import entries as loaders
from subgraphs.directory.loaders.entries import Directory, Sought
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.datatypes import (
    FEW,
    Address,
    CodeableConcept,
    ContactPoint,
    HumanName,
    Identifier,
    Period,
)
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import EntryNode, common
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.naming import contained_in
from subgraphs.runtime.parties import (
    LOCATION,
    ORGANIZATION,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    PartyRef,
    open_party,
    party_ref,
)
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

NodeT = TypeVar("NodeT")


@strawberry.type(description="A degree, licence or certificate.")
class Qualification:
    code: CodeableConcept | None = strawberry.field(
        description="What it is: http://terminology.hl7.org/CodeSystem/v2-0360"
    )
    period: Period | None = strawberry.field(description="When it is valid.")

    @classmethod
    def of(cls, wire: model.Qualification) -> Qualification:
        return cls(code=CodeableConcept.of(wire.code), period=Period.of(wire.period))


@federation.type(
    keys=["id", "npi", "reference"],
    requires_scopes=scopes_for("Practitioner"),
    description=fact_nodes.PRACTITIONER,
)
class Practitioner(EntryNode):
    npi: str | None = strawberry.field(
        description="The National Provider Identifier, ten digits; null where no source has one "
        "whose check digit is right."
    )
    identifiers: list[Identifier] = strawberry.field(
        directives=[FEW], description="Every number that any source knows them by."
    )
    active: bool | None = strawberry.field(description="Whether the record is in use.")
    name: HumanName | None = strawberry.field(description="The name in use.")
    gender: str | None = strawberry.field(
        description="`male`, `female`, `other` or `unknown`; "
        "http://hl7.org/fhir/administrative-gender"
    )
    telecom: list[ContactPoint] = strawberry.field(
        directives=[FEW], description="How to reach them in whatever role, by every source."
    )
    addresses: list[Address] = strawberry.field(
        directives=[FEW], description="Where they practise, as far as their own record tells."
    )
    qualifications: list[Qualification] = strawberry.field(
        directives=[FEW], description="Degrees and licences."
    )
    languages: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Languages they speak with patients: BCP 47."
    )
    reference: str | None = federation.field(
        inaccessible=True, default=None, description=fact_nodes.PARTY_KEY
    )
    fact: strawberry.Private[Entry[model.Practitioner]]

    @federation.field(
        inaccessible=True,
        description="Where the practitioner's records are, sealed: for whoever lists more of "
        "them. It proves no authorization.",
    )
    def links(self, info: strawberry.Info) -> str | None:
        request: Request[Directory] = info.context
        return request.subgraph.crosswalk.seal_practitioner(self.id, loaders.links_of(self.fact))

    @federation.field(
        directives=[FEW],
        requires_scopes=scopes_for("PractitionerRole"),
        description="What they do, for whom and where, as each source has it.",
    )
    async def roles(self, info: strawberry.Info) -> list[PractitionerRole] | None:
        found = await loaders.load_roles(info.context, self.fact)
        return [PractitionerRole.of(entry) for entry in found]

    @classmethod
    def of(cls, entry: Entry[model.Practitioner]) -> Practitioner:
        record = entry.resource
        return cls(
            **common(entry),
            npi=record.npi,
            identifiers=_identifiers(entry),
            active=record.active,
            name=HumanName.of(record.usual_name) if record.usual_name else None,
            gender=record.gender,
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            addresses=[Address.of(address) for address in record.address],
            qualifications=[Qualification.of(each) for each in record.qualification],
            languages=CodeableConcept.all_of(record.communication),
        )

    @classmethod
    async def find(cls, request: Request[Directory], sought: Sought | None) -> Practitioner | None:
        entry = await loaders.load_entry(request, loaders.PRACTITIONER, sought)
        return cls.of(entry) if entry else None

    @classmethod
    async def named(
        cls, request: Request[Directory], record: Record[Any], reference: Reference | None
    ) -> Practitioner | None:
        """Whom a source's record names, perhaps by a role."""
        ref = party_ref(record.source, reference, contained_in(record.resource))
        return await cls.meant(request, ref)

    @classmethod
    async def meant(cls, request: Request[Directory], ref: PartyRef | None) -> Practitioner | None:
        if ref is None or ref.type not in (PRACTITIONER, PRACTITIONER_ROLE):
            return None
        sought = loaders.by_ref(request, ref)
        if ref.type == PRACTITIONER_ROLE:
            sought = await _of_role(request, sought)
        return await cls.find(request, sought)

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        async def find(representation: Representation) -> Practitioner | None:
            number, key = representation.get("npi"), representation.get("reference")
            if isinstance(number, str):
                return await cls.find(request, loaders.by_npi(number))
            if key is None:
                sought = loaders.by_id(request, PRACTITIONER, representation.get("id"))
                return _known(await cls.find(request, sought))
            types = (PRACTITIONER, PRACTITIONER_ROLE)
            return await cls.meant(request, open_party(request.subgraph.ids, types, key))

        return await _each(find, representations)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("PractitionerRole"),
    description="What a practitioner does for an organization, and where. "
    "https://hl7.org/fhir/R4/practitionerrole.html",
)
class PractitionerRole(EntryNode):
    active: bool | None = strawberry.field(description="Whether the record is in use.")
    period: Period | None = strawberry.field(description="From when to when.")
    code: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="The role: `doctor`, `nurse`, …"
    )
    specialty: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Specialties: NUCC, http://nucc.org/provider-taxonomy."
    )
    telecom: list[ContactPoint] = strawberry.field(
        directives=[FEW], description="How to reach them in this role."
    )
    accepting_patients: str | None = strawberry.field(
        description="Whether new patients are taken, where a payer's directory tells: `newpt`, "
        "`nopt`, `existptonly` or `existptfam`; "
        "http://hl7.org/fhir/us/davinci-pdex-plan-net/CodeSystem/AcceptingPatientsCS"
    )
    fact: strawberry.Private[Entry[model.PractitionerRole]]

    @strawberry.field(description="Whose role it is.")
    async def practitioner(self, info: strawberry.Info) -> Practitioner | None:
        record = self.fact.records[0]
        return await Practitioner.named(info.context, record, record.resource.practitioner)

    @strawberry.field(description="For whom.")
    async def organization(self, info: strawberry.Info) -> Organization | None:
        record = self.fact.records[0]
        return await Organization.named(info.context, record, record.resource.organization)

    @strawberry.field(directives=[FEW], description="Where.")
    async def locations(self, info: strawberry.Info) -> list[Location] | None:
        record = self.fact.records[0]
        places = (Location.named(info.context, record, place) for place in record.resource.location)
        return [place for place in await asyncio.gather(*places) if place is not None]

    @classmethod
    def of(cls, entry: Entry[model.PractitionerRole]) -> PractitionerRole:
        record = entry.resource
        return cls(
            **common(entry),
            active=record.active,
            period=Period.of(record.period),
            code=CodeableConcept.all_of(record.code),
            specialty=CodeableConcept.all_of(record.specialty),
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            accepting_patients=record.accepting_patients,
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        async def find(representation: Representation) -> PractitionerRole | None:
            sought = loaders.by_id(request, PRACTITIONER_ROLE, representation.get("id"))
            entry = await loaders.load_entry(request, loaders.ROLE, sought)
            return _known(cls.of(entry) if entry else None)

        return await _each(find, representations)


@federation.type(
    keys=["id", "reference"],
    requires_scopes=scopes_for("Organization"),
    description=fact_nodes.ORGANIZATION,
)
class Organization(EntryNode):
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
            identifiers=_identifiers(entry),
            active=record.active,
            name=record.name,
            type=CodeableConcept.all_of(record.type),
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            addresses=[Address.of(address) for address in record.address],
        )

    @classmethod
    async def find(cls, request: Request[Directory], sought: Sought | None) -> Organization | None:
        entry = await loaders.load_entry(request, loaders.ORGANIZATION, sought)
        return cls.of(entry) if entry else None

    @classmethod
    async def named(
        cls, request: Request[Directory], record: Record[Any], reference: Reference | None
    ) -> Organization | None:
        """Which one a source's record names."""
        ref = party_ref(record.source, reference, contained_in(record.resource))
        return await cls.meant(request, ref)

    @classmethod
    async def meant(cls, request: Request[Directory], ref: PartyRef | None) -> Organization | None:
        if ref is None or ref.type != ORGANIZATION:
            return None
        return await cls.find(request, loaders.by_ref(request, ref))

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        async def find(representation: Representation) -> Organization | None:
            key = representation.get("reference")
            if key is None:
                sought = loaders.by_id(request, ORGANIZATION, representation.get("id"))
                return _known(await cls.find(request, sought))
            return await cls.meant(request, open_party(request.subgraph.ids, (ORGANIZATION,), key))

        return await _each(find, representations)


@strawberry.type(description="A point on the earth: WGS84.")
class GeoPosition:
    latitude: Decimal | None = strawberry.field(description="In degrees, north of the equator.")
    longitude: Decimal | None = strawberry.field(description="In degrees, east of Greenwich.")


@federation.type(
    keys=["id", "reference"],
    requires_scopes=scopes_for("Location"),
    description=fact_nodes.LOCATION,
)
class Location(EntryNode):
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
            identifiers=_identifiers(entry),
            status=record.status,
            name=record.name,
            description=record.description,
            type=CodeableConcept.all_of(record.type),
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            address=Address.of(record.address) if record.address else None,
            position=GeoPosition(latitude=at.latitude, longitude=at.longitude) if at else None,
        )

    @classmethod
    async def find(cls, request: Request[Directory], sought: Sought | None) -> Location | None:
        entry = await loaders.load_entry(request, loaders.LOCATION, sought)
        return cls.of(entry) if entry else None

    @classmethod
    async def named(
        cls, request: Request[Directory], record: Record[Any], reference: Reference | None
    ) -> Location | None:
        """Which one a source's record names."""
        ref = party_ref(record.source, reference, contained_in(record.resource))
        return await cls.meant(request, ref)

    @classmethod
    async def meant(cls, request: Request[Directory], ref: PartyRef | None) -> Location | None:
        if ref is None or ref.type != LOCATION:
            return None
        return await cls.find(request, loaders.by_ref(request, ref))

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        async def find(representation: Representation) -> Location | None:
            key = representation.get("reference")
            if key is None:
                sought = loaders.by_id(request, LOCATION, representation.get("id"))
                return _known(await cls.find(request, sought))
            return await cls.meant(request, open_party(request.subgraph.ids, (LOCATION,), key))

        return await _each(find, representations)


def _identifiers(entry: Entry[Any]) -> list[Identifier]:
    told = (each for record in entry.records for each in record.resource.identifier)
    return Identifier.all_of(dict.fromkeys(told))


async def _of_role(request: Request[Directory], sought: Sought | None) -> Sought | None:
    """Whose role it is."""
    role = await loaders.load_entry(request, loaders.ROLE, sought)
    if role is None:
        return None
    record = role.records[0]
    ref = party_ref(record.source, record.resource.practitioner, contained_in(record.resource))
    return loaders.by_ref(request, ref)


def _known(node: NodeT | None) -> NodeT:
    """What was asked for by an id is unknown or not the caller's to see: the same for both."""
    if node is None:
        raise ClientError(Code.NOT_FOUND)
    return node


async def _each(
    find: Callable[[Representation], Awaitable[object | None]],
    representations: Sequence[Representation],
) -> Sequence[object]:
    """Each representation's node or its error; a reference that leads nowhere is None."""
    return await asyncio.gather(*map(find, representations), return_exceptions=True)
