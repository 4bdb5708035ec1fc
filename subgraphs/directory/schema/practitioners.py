"""Who gives care, and what they do where.

One file, because practitioners and their roles lead to each other.
"""

from __future__ import annotations

import asyncio

import strawberry
from strawberry import federation

from subgraphs.directory import model
from subgraphs.directory.loaders import entries as loaders
from subgraphs.directory.loaders.entries import Directory, Sought
from subgraphs.directory.schema.entries import Findable, identifiers_of
from subgraphs.directory.schema.places import Location, Organization
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
from subgraphs.runtime.fact_nodes import EntryNode, common
from subgraphs.runtime.naming import contained_in
from subgraphs.runtime.parties import PRACTITIONER, PRACTITIONER_ROLE, PartyRef, party_ref
from subgraphs.runtime.request import Request
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for


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
class Practitioner(EntryNode, Findable):
    listed = loaders.PRACTITIONER
    named_as = (PRACTITIONER, PRACTITIONER_ROLE)

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
            identifiers=identifiers_of(entry),
            active=record.active,
            name=HumanName.of(record.usual_name) if record.usual_name else None,
            gender=record.gender,
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            addresses=[Address.of(address) for address in record.address],
            qualifications=[Qualification.of(each) for each in record.qualification],
            languages=CodeableConcept.all_of(record.communication),
        )

    @classmethod
    async def sought(cls, request: Request[Directory], ref: PartyRef) -> Sought | None:
        sought = loaders.by_ref(request, ref)
        return await _of_role(request, sought) if ref.type == PRACTITIONER_ROLE else sought

    @classmethod
    async def answer(
        cls, request: Request[Directory], representation: Representation
    ) -> Practitioner | None:
        number = representation.get("npi")
        if isinstance(number, str):
            return await cls.find(request, loaders.by_npi(number))
        return await super().answer(request, representation)


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("PractitionerRole"),
    description="What a practitioner does for an organization, and where. "
    "https://hl7.org/fhir/R4/practitionerrole.html",
)
class PractitionerRole(EntryNode, Findable):
    listed = loaders.ROLE

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


async def _of_role(request: Request[Directory], sought: Sought | None) -> Sought | None:
    """Whose role it is."""
    role = await loaders.load_entry(request, loaders.ROLE, sought)
    if role is None:
        return None
    record = role.records[0]
    ref = party_ref(record.source, record.resource.practitioner, contained_in(record.resource))
    return loaders.by_ref(request, ref)
