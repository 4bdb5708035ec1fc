"""Who stands by a patient, as published."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.identity.kinds import RELATED_PERSONS, name_of
from subgraphs.identity.loaders import load_related
from subgraphs.identity.model import RelatedPersonResource
from subgraphs.identity.schema.values import AdministrativeGender, gender_of
from subgraphs.runtime.datatypes import (
    FEW,
    Address,
    CodeableConcept,
    ContactPoint,
    HumanName,
    Period,
    date,
)
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import FactNode, common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("RelatedPerson"),
    description="Somebody who stands by a patient and is not treated: a parent, a guardian, who "
    "holds a power of attorney, whom to call. It gives them no access to anything. "
    "https://hl7.org/fhir/R4/relatedperson.html",
)
class RelatedPerson(FactNode):
    relationship: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="What they are to the patient: `MTH`, `GUARD`, `HPOWATT`, … of "
        "http://terminology.hl7.org/CodeSystem/v3-RoleCode, `C` for a contact in an emergency of "
        "http://terminology.hl7.org/CodeSystem/v2-0131.",
    )
    name: HumanName | None = strawberry.field(description="The name in use.")
    telecom: list[ContactPoint] = strawberry.field(
        directives=[FEW], description="Telephone numbers and e-mail addresses."
    )
    addresses: list[Address] = strawberry.field(directives=[FEW], description="Where they live.")
    gender: AdministrativeGender | None = strawberry.field(description="Administrative gender.")
    birth_date: Date | None = strawberry.field(description="The date of birth.")
    active: bool | None = strawberry.field(description="Whether the record is in use.")
    period: Period | None = strawberry.field(description="How long the relation lasts.")

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[RelatedPersonResource]) -> RelatedPerson:
        record = fact.resource
        name = name_of(record)
        relations = (CodeableConcept.of(relation) for relation in record.relationship)
        return cls(
            **common(fact),
            relationship=[relation for relation in relations if relation is not None],
            name=HumanName.of(name) if name else None,
            telecom=[ContactPoint.of(telecom) for telecom in record.telecom],
            addresses=[Address.of(address) for address in record.address],
            gender=gender_of(record.gender),
            birth_date=date(record.birth_date),
            active=record.active,
            period=Period.of(record.period),
        )

    resolve_references = facts_by_id(RELATED_PERSONS, load_related)
