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
from subgraphs.directory import loaders, model
from subgraphs.directory.loaders import Directory, Sought
from subgraphs.runtime import fact_nodes
from subgraphs.runtime.datatypes import (
    FEW,
    Address,
    CodeableConcept,
    ContactPoint,
    HumanName,
    Period,
)
from subgraphs.runtime.entries import Entry
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import EntryNode, common
from subgraphs.runtime.fhir import Reference
from subgraphs.runtime.parties import (
    LOCATION,
    ORGANIZATION,
    PRACTITIONER,
    PRACTITIONER_ROLE,
    open_party,
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
    active: bool | None = strawberry.field(description="Whether the record is in use.")
    name: HumanName | None = strawberry.field(description="The name in use.")
    gender: str | None = strawberry.field(
        description="`male`, `female`, `other` or `unknown`; "
        "http://hl7.org/fhir/administrative-gender"
    )
    telecom: list[ContactPoint] = strawberry.field(
        directives=[FEW], description="How to reach them in whatever role, by every source."
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
            active=record.active,
            name=HumanName.of(record.usual_name) if record.usual_name else None,
            gender=record.gender,
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            qualifications=[Qualification.of(each) for each in record.qualification],
            languages=CodeableConcept.all_of(record.communication),
        )

    @classmethod
    async def find(cls, request: Request[Directory], sought: Sought | None) -> Practitioner | None:
        entry = await loaders.load_entry(request, loaders.PRACTITIONER, sought)
        return cls.of(entry) if entry else None

    @classmethod
    async def named(
        cls, request: Request[Directory], source: str, reference: Reference | None
    ) -> Practitioner | None:
        """Whom a source's record names, perhaps by a role."""
        return await cls.find(request, await _by_role(request, source, reference))

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
            ref = open_party(request.subgraph.ids, (PRACTITIONER, PRACTITIONER_ROLE), key)
            sought = loaders.by_ref(request, ref)
            if ref is not None and ref.type == PRACTITIONER_ROLE:
                sought = await _of_role(request, sought)
            return await cls.find(request, sought)

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
        return await Practitioner.named(info.context, record.source, record.resource.practitioner)

    @strawberry.field(description="For whom.")
    async def organization(self, info: strawberry.Info) -> Organization | None:
        record = self.fact.records[0]
        return await Organization.named(info.context, record.source, record.resource.organization)

    @strawberry.field(directives=[FEW], description="Where.")
    async def locations(self, info: strawberry.Info) -> list[Location] | None:
        record = self.fact.records[0]
        places = (
            Location.named(info.context, record.source, place) for place in record.resource.location
        )
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
        return await Organization.named(info.context, record.source, record.resource.part_of)

    @classmethod
    def of(cls, entry: Entry[model.Organization]) -> Organization:
        record = entry.resource
        return cls(
            **common(entry),
            npi=record.npi,
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
        cls, request: Request[Directory], source: str, reference: Reference | None
    ) -> Organization | None:
        """Which one a source's record names."""
        if reference is None or reference.resource_type != ORGANIZATION:
            return None
        return await cls.find(request, loaders.by_reference(request, source, reference))

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        async def find(representation: Representation) -> Organization | None:
            key = representation.get("reference")
            if key is None:
                sought = loaders.by_id(request, ORGANIZATION, representation.get("id"))
                return _known(await cls.find(request, sought))
            ref = open_party(request.subgraph.ids, (ORGANIZATION,), key)
            return await cls.find(request, loaders.by_ref(request, ref))

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
        return await Organization.named(info.context, record.source, owner)

    @classmethod
    def of(cls, entry: Entry[model.Location]) -> Location:
        record = entry.resource
        at = record.position
        return cls(
            **common(entry),
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
        cls, request: Request[Directory], source: str, reference: Reference | None
    ) -> Location | None:
        """Which one a source's record names."""
        if reference is None or reference.resource_type != LOCATION:
            return None
        return await cls.find(request, loaders.by_reference(request, source, reference))

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> Sequence[object]:
        async def find(representation: Representation) -> Location | None:
            key = representation.get("reference")
            if key is None:
                sought = loaders.by_id(request, LOCATION, representation.get("id"))
                return _known(await cls.find(request, sought))
            ref = open_party(request.subgraph.ids, (LOCATION,), key)
            return await cls.find(request, loaders.by_ref(request, ref))

        return await _each(find, representations)


async def _by_role(
    request: Request[Directory], source: str, reference: Reference | None
) -> Sought | None:
    kind = reference.resource_type if reference else None
    if kind not in (PRACTITIONER, PRACTITIONER_ROLE):
        return None
    sought = loaders.by_reference(request, source, reference)
    return sought if kind == PRACTITIONER else await _of_role(request, sought)


async def _of_role(request: Request[Directory], sought: Sought | None) -> Sought | None:
    """Whose role it is."""
    role = await loaders.load_entry(request, loaders.ROLE, sought)
    if role is None:
        return None
    record = role.records[0]
    return loaders.by_reference(request, record.source, record.resource.practitioner)


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
