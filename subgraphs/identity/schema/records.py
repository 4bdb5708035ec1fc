"""What identity stewards see behind a person: the records, and what was decided of them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry

from subgraphs.identity.index.decisions import Decision, Kind
from subgraphs.identity.loaders import Identity
from subgraphs.identity.model import IndexedPerson, PatientResource, is_ssn
from subgraphs.identity.schema.values import (
    AdministrativeGender,
    PatientIdentifier,
    gender_of,
)
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.datatypes import FEW, Address, ContactPoint, HumanName, date
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, DateTime, date_time, exact


@strawberry.type(description="One source's record of a person, as that source has it.")
class IdentityRecord:
    id: strawberry.ID = strawberry.field(
        description="Finds the person as a `Patient.id` does, and names this record in decisions."
    )
    source: str = strawberry.field(description="The source, for example `ehr-a`.")
    merged_to: strawberry.ID | None = strawberry.field(
        description="The record in favour of which this one was retired."
    )
    record: strawberry.Private[Record[PatientResource]]

    @strawberry.field(description="The names it has.")
    def names(self) -> list[HumanName]:
        return [HumanName.of(name) for name in self.record.resource.name]

    @strawberry.field(description="The date of birth.")
    def birth_date(self) -> Date | None:
        return date(self.record.resource.birth_date)

    @strawberry.field(description="Administrative gender.")
    def gender(self) -> AdministrativeGender | None:
        return gender_of(self.record.resource.gender)

    @strawberry.field(description="Addresses.", directives=[FEW])
    def addresses(self) -> list[Address]:
        return [Address.of(address) for address in self.record.resource.address]

    @strawberry.field(description="Telephone numbers and e-mail addresses.", directives=[FEW])
    def telecom(self) -> list[ContactPoint]:
        return [ContactPoint.of(telecom) for telecom in self.record.resource.telecom]

    @strawberry.field(
        description="Its numbers, without the social security number.", directives=[FEW]
    )
    def identifiers(self) -> list[PatientIdentifier]:
        return [
            PatientIdentifier.of(identifier, self.record.source)
            for identifier in self.record.resource.identifier
            if not is_ssn(identifier)
        ]

    @strawberry.field(description="The social security number.")
    def ssn(self) -> str | None:
        return self.record.resource.ssn

    @strawberry.field(description="When the source last changed it.")
    def updated_at(self) -> DateTime | None:
        return date_time(self.record.resource.meta.last_updated)

    @classmethod
    def of(
        cls, request: Request[Identity], person: IndexedPerson, record: Record[PatientResource]
    ) -> IdentityRecord:
        link = Link(record.source, record.patient)
        into = person.merged.get(link)
        return cls(
            id=record_id(request, link),
            source=record.source,
            merged_to=record_id(request, into) if into else None,
            record=record,
        )


def record_id(request: Request[Any], link: Link) -> strawberry.ID:
    return strawberry.ID(request.seal("Patient", link.source, link.id, link.id))


@strawberry.enum(description="What was decided.")
class IdentityDecisionKind(Enum):
    LINK = strawberry.enum_value("link", description="Two people are one.")
    UNLINK = strawberry.enum_value("unlink", description="Records are a person of their own.")
    APART = strawberry.enum_value("apart", description="Two people are two, however alike.")
    MERGE = strawberry.enum_value("merge", description="A record is retired for another.")
    UNMERGE = strawberry.enum_value("unmerge", description="A merge is undone.")


@strawberry.type(description="A decision about who is who, kept forever.")
class IdentityDecision:
    kind: IdentityDecisionKind = strawberry.field(description="What was decided.")
    by: str = strawberry.field(
        description="Whose decision: the subject of the token, or `source:` and a source's id."
    )
    at: DateTime = strawberry.field(description="When.")
    reason: str = strawberry.field(description="Why, in the words of who decided.")
    one: list[strawberry.ID] = strawberry.field(
        directives=[FEW],
        description="The records of the one side; of a merge, those that came to the other.",
    )
    other: list[strawberry.ID] = strawberry.field(
        directives=[FEW], description="The records of the other side."
    )

    @classmethod
    def of(cls, request: Request[Any], decision: Decision) -> IdentityDecision:
        return cls(
            kind=IdentityDecisionKind(Kind(decision.kind).value),
            by=decision.author.subject,
            at=exact(decision.author.at),
            reason=decision.author.reason,
            one=[record_id(request, link) for link in decision.one],
            other=[record_id(request, link) for link in decision.other],
        )
