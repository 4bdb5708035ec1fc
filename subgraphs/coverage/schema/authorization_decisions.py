"""What a payer decides about an item of a prior authorization."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Final

import strawberry

from subgraphs.coverage.loaders.prior_authorizations import load_party
from subgraphs.coverage.model.preauthorization.extensions import Extensible, Extension
from subgraphs.coverage.model.preauthorization.record import Item, PriorAuthorization
from subgraphs.coverage.model.preauthorization.review import Review
from subgraphs.coverage.model.preauthorization.wire import Adjudication, AnswerItem
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Money, Period, Quantity, date
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.scalars import Date


@strawberry.enum(
    description="What a payer decided: https://codesystem.x12.org/005010/306 (HCR01 of X12 278)."
)
class ReviewAction(Enum):
    CERTIFIED = strawberry.enum_value("A1", description="A1: certified in total.")
    PARTIAL = strawberry.enum_value("A2", description="A2: certified in part.")
    DENIED = strawberry.enum_value("A3", description="A3: not certified.")
    PENDED = strawberry.enum_value("A4", description="A4: to be decided later.")
    MODIFIED = strawberry.enum_value("A6", description="A6: something else is certified.")
    CANCELLED = strawberry.enum_value("C", description="C: cancelled.")
    CONTACT_PAYER = strawberry.enum_value("CT", description="CT: the payer is to be asked.")
    NOT_REQUIRED = strawberry.enum_value("NA", description="NA: no authorization is needed.")


@strawberry.type(description="What is certified, where the payer says it; it may differ.")
class AuthorizedService:
    service: CodeableConcept | None = strawberry.field(description="What may be done or given.")
    service_end: CodeableConcept | None = strawberry.field(
        description="The last of a range of services that begins with `service`."
    )
    modifiers: list[CodeableConcept] = strawberry.field(directives=[FEW], description="How.")
    quantity: Quantity | None = strawberry.field(description="How much of it.")
    unit_price: Money | None = strawberry.field(
        description="For how much each: for billing and the patient; null for everyone else."
    )
    revenue: CodeableConcept | None = strawberry.field(description="The revenue code (NUBC).")
    rate_limit: Decimal | None = strawberry.field(
        description="The most per unit of revenue, in US dollars: as `unitPrice`."
    )
    is_epsdt: bool | None = strawberry.field(
        description="Whether it is part of the early screening and treatment of children (EPSDT)."
    )
    nursing_home_level: CodeableConcept | None = strawberry.field(
        description="The level of care in a nursing home: https://codesystem.x12.org/005010/1337"
    )

    @classmethod
    def of(cls, wire: Extension, *, amounts: bool) -> AuthorizedService | None:
        if not wire.url:
            return None
        modifiers = (each.value_codeable_concept for each in wire.all("modifier"))
        rate = wire.one("revenueUnitRateLimit").value_decimal
        return cls(
            service=_concept(wire, "productOrServiceCode"),
            service_end=_concept(wire, "productOrServiceCodeEnd"),
            modifiers=CodeableConcept.all_of(each for each in modifiers if each),
            quantity=Quantity.of(wire.one("quantity").value_quantity),
            unit_price=Money.of(wire.one("unitPrice").value_money) if amounts else None,
            revenue=_concept(wire, "revenue") or _concept(wire, "revenueCode"),
            rate_limit=rate if amounts else None,
            is_epsdt=wire.one("epsdtIndicator").value_boolean,
            nursing_home_level=_concept(wire, "nursingHomeLevelOfCare"),
        )


@strawberry.type(description="Who may give what is certified.")
class AuthorizedProvider:
    type: CodeableConcept | None = strawberry.field(
        description="As what: https://codesystem.x12.org/005010/98"
    )
    fact: strawberry.Private[Fact[PriorAuthorization]]
    reference: strawberry.Private[fhir.Reference | None]

    @strawberry.field(description="Their name.")
    async def name(self, info: strawberry.Info) -> str | None:
        return await load_party(info.context, self.fact, self.reference)


@strawberry.type(description="What the payer decided about the request as a whole.")
class PriorAuthorizationReview:
    action: ReviewAction | None = strawberry.field(
        description="The decision; null for a code that X12 does not know."
    )
    code: CodeableConcept | None = strawberry.field(description="The decision as it was sent.")
    number: str | None = strawberry.field(description="The authorization's number.")
    reasons: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Why: as a rule https://codesystem.x12.org/external/886"
    )
    second_opinion_needed: bool | None = strawberry.field(
        description="Whether a second surgical opinion is needed."
    )

    @classmethod
    def of(cls, review: Review | None) -> PriorAuthorizationReview | None:
        if review is None:
            return None
        return cls(
            action=ReviewAction[review.action.name] if review.action else None,
            code=CodeableConcept.of(review.code),
            number=review.number,
            reasons=CodeableConcept.all_of(review.reasons),
            second_opinion_needed=review.second_opinion,
        )


@strawberry.type(
    description="An amount that goes with a decision, or what is used up of an authorization."
)
class PriorAuthorizationAmount:
    category: CodeableConcept | None = strawberry.field(
        description="Of what: http://terminology.hl7.org/CodeSystem/adjudication, or "
        "http://hl7.org/fhir/us/davinci-pdex/CodeSystem/PriorAuthorizationValueCodes"
    )
    reason: CodeableConcept | None = strawberry.field(description="Why.")
    amount: Money | None = strawberry.field(
        description="How much money: for billing and the patient; null for everyone else."
    )
    value: Decimal | None = strawberry.field(description="How much, where it is no money.")
    utilization: Quantity | None = strawberry.field(description="How much of it is used up.")

    @classmethod
    def all_of(
        cls, wires: Iterable[Adjudication], *, amounts: bool
    ) -> list[PriorAuthorizationAmount]:
        """Those that have one."""
        return [
            cls(
                category=CodeableConcept.of(wire.category),
                reason=CodeableConcept.of(wire.reason),
                amount=Money.of(wire.amount) if amounts else None,
                value=wire.value,
                utilization=Quantity.of(wire.one(_USED).value_quantity),
            )
            for wire in wires
            if wire.amount or wire.value is not None or wire.reason or any(wire.all(_USED))
        ]


_USED: Final = "PriorAuthorizationUtilization"


@strawberry.type(description="Who looked into the request for the payer.")
class PriorAuthorizationReviewer:
    is_human: bool | None = strawberry.field(description="Whether a person decided.")
    npi: str | None = strawberry.field(description="Their National Provider Identifier.")
    specialty: CodeableConcept | None = strawberry.field(
        description="Their specialty: http://nucc.org/provider-taxonomy"
    )

    @classmethod
    def of(cls, wire: Extension) -> PriorAuthorizationReviewer | None:
        if not wire.url:
            return None
        npi = wire.one("reviewerNPI").value_identifier
        return cls(
            is_human=wire.one("wasHumanReviewedFlag").value_boolean,
            npi=npi.value if npi else None,
            specialty=_concept(wire, "reviewerSpecialty"),
        )


@strawberry.type(description="What the payer decided about one item.")
class PriorAuthorizationDecision:
    action: ReviewAction | None = strawberry.field(
        description="The decision; null for a code that X12 does not know."
    )
    code: CodeableConcept | None = strawberry.field(description="The decision as it was sent.")
    number: str | None = strawberry.field(
        description="The authorization's number, to be put on the claim."
    )
    reasons: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="Why: as a rule https://codesystem.x12.org/external/886 (HCR03).",
    )
    second_opinion_needed: bool | None = strawberry.field(
        description="Whether a second surgical opinion is needed."
    )
    issued_on: Date | None = strawberry.field(description="When it was decided.")
    period: Period | None = strawberry.field(description="When it is valid.")
    requested_for: Period | None = strawberry.field(
        description="When it was asked for, as the payer repeats it."
    )
    authorized: AuthorizedService | None = strawberry.field(description="What is certified.")
    providers: list[AuthorizedProvider] = strawberry.field(
        directives=[FEW], description="Who may give it."
    )
    previous_number: str | None = strawberry.field(
        description="The number of an earlier authorization of the same."
    )
    administration_reference: str | None = strawberry.field(
        description="The payer's number of the review, by which it is asked about it (REF NT)."
    )
    communicated_diagnoses: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="The diagnoses that the payer went by."
    )
    admission: Period | None = strawberry.field(description="When an admission is certified.")
    discharged_on: Date | None = strawberry.field(description="When a discharge is.")
    amounts: list[PriorAuthorizationAmount] = strawberry.field(
        directives=[FEW], description="What money it comes to."
    )
    notes: list[str] = strawberry.field(directives=[FEW], description="What the payer remarks.")

    @classmethod
    def of(
        cls, item: Item, fact: Fact[PriorAuthorization], *, amounts: bool
    ) -> PriorAuthorizationDecision | None:
        answer, review = item.answer, item.review
        if answer is None:
            return None
        told = fact.resource.answer
        notes = told.process_note if told else ()
        action = review.action if review else None
        diagnoses = (each.value_codeable_concept for each in answer.all("communicatedDiagnosis"))
        return cls(
            action=ReviewAction[action.name] if action else None,
            code=CodeableConcept.of(review.code) if review else None,
            number=review.number if review else None,
            reasons=CodeableConcept.all_of(review.reasons) if review else [],
            second_opinion_needed=review.second_opinion if review else None,
            issued_on=date(answer.one("itemPreAuthIssueDate").value_date),
            period=Period.of(answer.one("itemPreAuthPeriod").when),
            requested_for=Period.of(answer.one("itemRequestedServiceDate").when),
            authorized=AuthorizedService.of(answer.one("itemAuthorizedDetail"), amounts=amounts),
            providers=_providers(answer, fact),
            previous_number=answer.one("authorizationNumber").value_string,
            administration_reference=answer.one("administrationReferenceNumber").value_string,
            communicated_diagnoses=CodeableConcept.all_of(each for each in diagnoses if each),
            admission=Period.of(answer.one("admissionDates").when),
            discharged_on=date(answer.one("dischargeDate").value_date),
            amounts=PriorAuthorizationAmount.all_of(answer.adjudication, amounts=amounts),
            notes=[n.text for n in notes if n.text and n.number in answer.note_number],
        )


def _providers(answer: AnswerItem, fact: Fact[PriorAuthorization]) -> list[AuthorizedProvider]:
    added = [
        AuthorizedProvider(
            type=_concept(each, "authorizedProviderType"), fact=fact, reference=each.plain
        )
        for each in answer.provider
    ]
    return [*authorized_providers(answer, fact), *added]


def authorized_providers(
    wire: Extensible, fact: Fact[PriorAuthorization]
) -> list[AuthorizedProvider]:
    return [
        AuthorizedProvider(
            type=_concept(each, "authorizedProviderType") or _concept(each, "providerType"),
            fact=fact,
            reference=each.one("provider").value_reference,
        )
        for each in wire.all("itemAuthorizedProvider")
    ]


def _concept(wire: Extensible, name: str) -> CodeableConcept | None:
    return CodeableConcept.of(wire.one(name).value_codeable_concept)
