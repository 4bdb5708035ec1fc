"""Whom a record names, as published: a clinician, an organization, a place, the patient herself.

What a record tells itself is shown as it is; who that is, only the directory knows. It is asked by
the key of an entity that tells how the record names them (`runtime.parties`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec
import strawberry
from strawberry import federation
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.runtime import fact_nodes, fhir
from subgraphs.runtime.datatypes import FEW, CodeableConcept
from subgraphs.runtime.fact_nodes import LOCATION, ORGANIZATION, PARTY_KEY, PRACTITIONER, FactNode
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.following import Read
from subgraphs.runtime.parties import PRACTITIONER_ROLE, name_of, party_ref, seal_party
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time

WireT = TypeVar("WireT")
NodeT = TypeVar("NodeT")

_BY_REFERENCE: Final = Key(fields=FieldSet("reference"), resolvable=False)
_A_PRACTITIONER: Final = ("Practitioner", PRACTITIONER_ROLE)


@federation.type(keys=[_BY_REFERENCE], description=PRACTITIONER)
class Practitioner:
    reference: str | None = federation.field(inaccessible=True, description=PARTY_KEY)


@federation.type(keys=[_BY_REFERENCE], description=ORGANIZATION)
class Organization:
    reference: str | None = federation.field(inaccessible=True, description=PARTY_KEY)


@federation.type(keys=[_BY_REFERENCE], description=LOCATION)
class Location:
    reference: str | None = federation.field(inaccessible=True, description=PARTY_KEY)


@federation.type(
    shareable=True,
    description=fact_nodes.PARTY,
)
class Party:
    type: str | None = strawberry.field(description=fact_nodes.PARTY_TYPE)
    display: str | None = strawberry.field(description=fact_nodes.PARTY_DISPLAY)
    source: strawberry.Private[str]
    named: strawberry.Private[fhir.Reference]
    contained: strawberry.Private[tuple[fhir.Contained, ...]]

    @strawberry.field(description=fact_nodes.PARTY_PRACTITIONER)
    def practitioner(self, info: strawberry.Info) -> Practitioner | None:
        key = self._key(info.context, *_A_PRACTITIONER)
        return Practitioner(reference=key) if key else None

    @strawberry.field(description=fact_nodes.PARTY_ORGANIZATION)
    def organization(self, info: strawberry.Info) -> Organization | None:
        key = self._key(info.context, "Organization")
        return Organization(reference=key) if key else None

    @strawberry.field(description=fact_nodes.PARTY_LOCATION)
    def location(self, info: strawberry.Info) -> Location | None:
        key = self._key(info.context, "Location")
        return Location(reference=key) if key else None

    def _key(self, request: Request[Any], *types: str) -> str | None:
        ref = party_ref(self.source, self.named, self.contained)
        if ref is None or ref.type not in types:
            return None
        return seal_party(request.subgraph.ids, ref)

    @classmethod
    def of(
        cls, source: str, reference: fhir.Reference, contained: Iterable[fhir.Contained] = ()
    ) -> Party:
        """`source` is the record's, whose words these are."""
        within = tuple(contained)
        return cls(
            type=type_of(reference, within),
            display=name_of(reference, within),
            source=source,
            named=reference,
            contained=within,
        )


@federation.type(
    shareable=True,
    description="Someone who had a part in recording a fact, as its source tells.",
)
class Authorship:
    source: str = strawberry.field(description="The id of the source that tells.")
    recorded_at: DateTime | None = strawberry.field(description="When it was recorded.")
    role: CodeableConcept | None = strawberry.field(
        description="`author`, `transmitter`, `enterer`, …; "
        "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    )
    who: Party | None = strawberry.field(description="Who.")
    on_behalf_of: Party | None = strawberry.field(description="For whom.")


@strawberry.type
class AuthoredNode(FactNode):
    """A fact whose sources tell who recorded it; types inherit it."""

    @strawberry.field(
        directives=[FEW],
        description="Who had a part in recording it, from the Provenance that its sources keep.",
    )
    def authorship(self) -> list[Authorship]:
        return [
            _authorship(record.source, told, agent)
            for record in self.fact.records
            for told in record.resource.provenance_resource
            for agent in told.agent
        ]


def _authorship(source: str, told: fhir.ProvenanceRecord, agent: fhir.Agent) -> Authorship:
    return Authorship(
        source=source,
        recorded_at=date_time(told.recorded),
        role=CodeableConcept.of(agent.type),
        who=Party.of(source, agent.who) if agent.who else None,
        on_behalf_of=Party.of(source, agent.on_behalf_of) if agent.on_behalf_of else None,
    )


def type_of(
    reference: fhir.Reference | None, contained: Iterable[fhir.Contained] = ()
) -> str | None:
    """The type of whom a record means, contained or not."""
    if reference is None:
        return None
    held = (each for each in contained if f"#{each.id}" == reference.reference)
    return next((each.resource_type for each in held), reference.resource_type)


def parties_of(fact: Fact[Any], read: Read) -> list[Party]:
    """Those whom the first record to name any names: what two charts call one person differs."""
    for record in fact.leading:
        said = read(record.resource)
        named = [said] if isinstance(said, fhir.Reference) else list(said or ())
        known = [reference for reference in named if reference is not None]
        if known:
            contained = contained_in(record.resource)
            return [Party.of(record.source, reference, contained) for reference in known]
    return []


def party_of(fact: Fact[Any], read: Callable[[Any], fhir.Reference | None]) -> Party | None:
    return next(iter(parties_of(fact, read)), None)


def told_by(
    fact: Fact[Any],
    node: Callable[[str, WireT], NodeT],
    read: Callable[[Any], Iterable[WireT]],
) -> list[NodeT]:
    """What the first record to tell any of it tells, each part with the source whose it is."""
    for record in fact.leading:
        told = [node(record.source, part) for part in read(record.resource)]
        if told:
            return told
    return []


def contained_in(resource: object) -> list[fhir.Contained]:
    """What a resource holds within itself, as far as it can be read."""
    wire = getattr(resource, "contained", ())
    found = []
    for each in wire if isinstance(wire, list | tuple) else ():
        try:
            found.append(msgspec.convert(each, fhir.Contained))
        except msgspec.ValidationError:
            continue
    return found
