"""Coverage and what a payer says of it today."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.x12 import eligibility as x12
from subgraphs.coverage.loaders import (
    Payers,
    load_coverages,
    load_eligibility,
    load_organization,
    may_see_amounts,
)
from subgraphs.coverage.model import COVERAGE, CoverageResource
from subgraphs.runtime.access import Compartment
from subgraphs.runtime.datatypes import CodeableConcept, Coding, Money, Period, Provenance
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.facts import Fact, load_by_id
from subgraphs.runtime.gathering import Gathered
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

_SERVICE_TYPE = re.compile(r"[A-Z0-9]{1,2}")
_CURRENCY = "USD"  # of every amount in a 271


@strawberry.type(description="An organization that pays.")
class Payer:
    name: str | None = strawberry.field(description="Its name.")


@strawberry.type(description="A yearly limit and how far it is used up.")
class BenefitLimit:
    total: Money | None = strawberry.field(description="The limit of the plan year.")
    remaining: Money | None = strawberry.field(description="What is left of it.")
    met: Money | None = strawberry.field(description="What has been counted towards it.")

    @classmethod
    def of(cls, amounts: x12.Amounts | None) -> BenefitLimit | None:
        if amounts is None:
            return None
        return cls(
            total=_money(amounts.total),
            remaining=_money(amounts.remaining),
            met=_money(amounts.met),
        )


@strawberry.type(
    description="What the payer says today about one service, for the individual and within the "
    "network where it distinguishes. Asked by X12 270, answered by 271."
)
class Eligibility:
    active: bool | None = strawberry.field(
        description="Whether the coverage is in force; null where the payer could not tell."
    )
    plan: str | None = strawberry.field(description="The plan in the payer's words.")
    deductible: BenefitLimit | None = strawberry.field(
        description="What the member pays before the plan does."
    )
    out_of_pocket: BenefitLimit | None = strawberry.field(
        description="What the member pays at most."
    )
    copay: Money | None = strawberry.field(description="The member's fixed share of a visit.")
    coinsurance: Decimal | None = strawberry.field(
        description="The member's part of the rest: `0.2` is 20 %."
    )
    rejections: list[str] = strawberry.field(
        description="Why the payer did not answer about this member: X12 reject reason codes "
        "(AAA03) such as `72` invalid member id, `75` subscriber not found."
    )
    as_of: DateTime | None = strawberry.field(description="When the payer said so.")

    @classmethod
    def of(cls, answer: x12.Eligibility, as_of: DateTime | None) -> Eligibility:
        return cls(
            active=answer.active,
            plan=answer.plan,
            deductible=BenefitLimit.of(answer.deductible),
            out_of_pocket=BenefitLimit.of(answer.out_of_pocket),
            copay=_money(answer.copay),
            coinsurance=answer.coinsurance,
            rejections=list(answer.rejections),
            as_of=as_of,
        )


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Coverage"),
    description="An insurance or other agreement that pays for a patient's care. "
    "https://hl7.org/fhir/R4/coverage.html",
)
class Coverage:
    id: strawberry.ID = strawberry.field(description="Opaque and stable.")
    status: str | None = strawberry.field(description="`active`, `cancelled` or `draft`.")
    type: CodeableConcept | None = strawberry.field(description="The kind of coverage.")
    plan: str | None = strawberry.field(description="The plan's name.")
    period: Period | None = strawberry.field(description="When it is in force.")
    relationship: CodeableConcept | None = strawberry.field(
        description="The patient's relationship to the subscriber: `self`, `child`, `spouse`, …"
    )
    provenance: list[Provenance] = strawberry.field(description="Where this comes from.")
    security_labels: list[Coding] = strawberry.field(description="Labels the source has put on it.")
    fact: strawberry.Private[Fact[CoverageResource]]
    compartment: strawberry.Private[Compartment]

    @federation.field(
        requires_scopes=scopes_for("Claim"),
        description="The number the payer knows the subscriber by: for billing and the patient; "
        "null for everyone else.",
    )
    def subscriber_id(self, info: strawberry.Info) -> str | None:
        if not may_see_amounts(info.context, COVERAGE.type, self.compartment):
            return None
        return self.fact.resource.subscriber_id

    @strawberry.field(description="Who pays; null where the patient does.")
    async def payer(self, info: strawberry.Info) -> Payer | None:
        record = self.fact.records[0]
        reference = next(iter(record.resource.payor), None)
        if reference is None:
            return None
        id_ = reference.id_of("Organization")
        if reference.display or id_ is None:
            return Payer(name=reference.display) if reference.display else None
        found = await load_organization(info.context, record.source, id_)
        return Payer(name=found.name) if found else None

    @strawberry.field(
        description="What the payer says about a service today; null where it cannot be asked."
    )
    async def eligibility(
        self,
        info: strawberry.Info,
        service_type: Annotated[
            str,
            strawberry.argument(
                description="X12 service type code: `30` the plan as a whole, `98` an office "
                "visit, `MH` mental health, … https://x12.org/codes/service-type-codes"
            ),
        ] = "30",
    ) -> Eligibility | None:
        if not _SERVICE_TYPE.fullmatch(service_type):
            raise ClientError(Code.BAD_USER_INPUT, argument="serviceType")
        request: Request[Payers] = info.context
        answer = await load_eligibility(request, self.fact, service_type)
        return Eligibility.of(answer, date_time(request.subgraph.now())) if answer else None

    @classmethod
    def of(cls, fact: Fact[CoverageResource], compartment: Compartment) -> Coverage:
        resource = fact.resource
        return cls(
            id=strawberry.ID(fact.id),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            plan=resource.plan,
            period=Period.of(resource.period),
            relationship=CodeableConcept.of(resource.relationship),
            provenance=[Provenance.of(record) for record in fact.records],
            security_labels=[Coding.of(label) for label in fact.security],
            fact=fact,
            compartment=compartment,
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Any], representations: Sequence[Representation]
    ) -> list[object]:
        compartments: dict[str, Compartment] = {}

        async def load(compartment: Compartment) -> Gathered[Fact[CoverageResource]]:
            compartments[compartment.patient] = compartment
            return await load_coverages(request, compartment)

        found = await load_by_id(request, COVERAGE, [r.get("id") for r in representations], load)
        return [
            fact if isinstance(fact, Exception) else cls.of(fact, compartments[fact.patient])
            for fact in found
        ]


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else Money(value=amount, currency=_CURRENCY)
