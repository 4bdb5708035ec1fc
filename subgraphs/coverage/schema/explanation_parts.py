"""The parts of an explanation of benefit: who, what for, and how it was decided line by line."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import strawberry

from subgraphs.coverage.model import explanation_parts as wire
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import (
    FEW,
    CodeableConcept,
    Identifier,
    Money,
    Period,
    Quantity,
    date,
)
from subgraphs.runtime.naming import Party
from subgraphs.runtime.scalars import Date

_FOR_BILLING = "for billing and the patient; null for everyone else."


@strawberry.type(
    description="One amount of a decision, as the payer has it. "
    "http://hl7.org/fhir/us/carin-bb/ValueSet/C4BBAdjudication"
)
class Adjudication:
    category: CodeableConcept | None = strawberry.field(
        description="What kind: `submitted`, `eligible`, `deductible`, `denialreason`, "
        "`billingnetworkstatus`, …"
    )
    reason: CodeableConcept | None = strawberry.field(
        description="Why: a claim adjustment reason, a network status, …"
    )
    amount: Money | None = strawberry.field(description=f"How much: {_FOR_BILLING}")
    value: Decimal | None = strawberry.field(
        description="A number that is no money: units allowed."
    )

    @classmethod
    def all_of(cls, amounts: Iterable[wire.Amount], *, shown: bool) -> list[Adjudication]:
        return [
            cls(
                category=CodeableConcept.of(each.category),
                reason=CodeableConcept.of(each.reason),
                amount=Money.of(each.amount) if shown else None,
                value=each.value,
            )
            for each in amounts
        ]


@strawberry.type(description="A part of a line: what a compound or a kit is made of.")
class ExplanationDetail:
    sequence: int | None = strawberry.field(description="Its place in the line.")
    service: CodeableConcept | None = strawberry.field(description="What was given.")
    modifiers: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Modifiers of it."
    )
    quantity: Quantity | None = strawberry.field(description="How much of it.")
    adjudications: list[Adjudication] = strawberry.field(
        directives=[FEW], description="How it was decided."
    )

    @classmethod
    def of(cls, detail: wire.Detail, *, amounts: bool) -> ExplanationDetail:
        return cls(
            sequence=detail.sequence,
            service=CodeableConcept.of(detail.product_or_service),
            modifiers=CodeableConcept.all_of(detail.modifier),
            quantity=Quantity.of(detail.quantity),
            adjudications=Adjudication.all_of(detail.adjudication, shown=amounts),
        )


@strawberry.type(description="What a line says beside its service and its amounts.")
class ExplanationLine:
    care_team: list[int] = strawberry.field(description="Sequences of the care team.")
    diagnoses: list[int] = strawberry.field(description="Sequences of the diagnoses.")
    procedures: list[int] = strawberry.field(description="Sequences of the procedures.")
    information: list[int] = strawberry.field(description="Sequences of the information.")
    notes: list[int] = strawberry.field(description="Numbers of the notes.")
    revenue: CodeableConcept | None = strawberry.field(description="https://www.nubc.org")
    modifiers: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Modifiers of the procedure."
    )
    location: CodeableConcept | None = strawberry.field(
        description="The place of service; https://www.cms.gov/Medicare/Coding/place-of-service-codes"
    )
    quantity: Quantity | None = strawberry.field(description="How many units.")
    net: Money | None = strawberry.field(description=f"What it comes to: {_FOR_BILLING}")
    body_site: CodeableConcept | None = strawberry.field(description="The tooth, or the place.")
    sub_sites: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Surfaces of the tooth."
    )
    adjudications: list[Adjudication] = strawberry.field(
        directives=[FEW], description="How it was decided, amount by amount."
    )
    details: list[ExplanationDetail] = strawberry.field(
        directives=[FEW], description="What it is made of."
    )

    @classmethod
    def of(cls, item: wire.Item, *, amounts: bool) -> ExplanationLine:
        return cls(
            care_team=list(item.care_team_sequence),
            diagnoses=list(item.diagnosis_sequence),
            procedures=list(item.procedure_sequence),
            information=list(item.information_sequence),
            notes=list(item.note_number),
            revenue=CodeableConcept.of(item.revenue),
            modifiers=CodeableConcept.all_of(item.modifier),
            location=CodeableConcept.of(item.location_codeable_concept),
            quantity=Quantity.of(item.quantity),
            net=Money.of(item.net) if amounts else None,
            body_site=CodeableConcept.of(item.body_site),
            sub_sites=CodeableConcept.all_of(item.sub_site),
            adjudications=Adjudication.all_of(item.adjudication, shown=amounts),
            details=[ExplanationDetail.of(each, amounts=amounts) for each in item.detail],
        )


@strawberry.type(description="Whatever else the payer was told, by its category.")
class SupportingInformation:
    sequence: int | None = strawberry.field(description="By which lines refer to it.")
    category: CodeableConcept | None = strawberry.field(
        description="What it is about: `typeofbill`, `clmrecvddate`, `rxorigincode`, …; "
        "http://hl7.org/fhir/us/carin-bb/ValueSet/C4BBSupportingInfoType"
    )
    code: CodeableConcept | None = strawberry.field(description="What it says, as a code.")
    date: Date | None = strawberry.field(description="When.")
    period: Period | None = strawberry.field(description="From when to when.")
    text: str | None = strawberry.field(description="What it says, in words.")
    quantity: Quantity | None = strawberry.field(description="How much.")
    flag: bool | None = strawberry.field(description="Whether it is so.")
    party: Party | None = strawberry.field(description="Whom or what it names.")
    reason: CodeableConcept | None = strawberry.field(description="Why.")

    @classmethod
    def of(cls, source: str, told: wire.Information) -> SupportingInformation:
        return cls(
            sequence=told.sequence,
            category=CodeableConcept.of(told.category),
            code=CodeableConcept.of(told.code),
            date=date(told.timing_date),
            period=Period.of(told.timing_period),
            text=told.value_string,
            quantity=Quantity.of(told.value_quantity),
            flag=told.value_boolean,
            party=party(source, told.value_reference),
            reason=CodeableConcept.of(told.reason_concept),
        )


@strawberry.type(description="A diagnosis of the claim.")
class ExplanationDiagnosis:
    sequence: int | None = strawberry.field(description="By which lines refer to it.")
    code: CodeableConcept | None = strawberry.field(description="ICD-10-CM, or ICD-9-CM.")
    type: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="`principal`, `admitting`, `secondary`, …"
    )
    on_admission: CodeableConcept | None = strawberry.field(
        description="Whether it was there on admission: `Y`, `N`, `U`, `W`; https://www.nubc.org"
    )

    @classmethod
    def of(cls, told: wire.Diagnosis) -> ExplanationDiagnosis:
        return cls(
            sequence=told.sequence,
            code=CodeableConcept.of(told.diagnosis_codeable_concept),
            type=CodeableConcept.all_of(told.type),
            on_admission=CodeableConcept.of(told.on_admission),
        )


@strawberry.type(description="A procedure of an institution's claim.")
class ExplanationProcedure:
    sequence: int | None = strawberry.field(description="By which lines refer to it.")
    code: CodeableConcept | None = strawberry.field(description="ICD-10-PCS, CPT or HCPCS.")
    type: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="`principal` or `other`."
    )
    date: Date | None = strawberry.field(description="When it was done.")

    @classmethod
    def of(cls, told: wire.Procedure) -> ExplanationProcedure:
        return cls(
            sequence=told.sequence,
            code=CodeableConcept.of(told.procedure_codeable_concept),
            type=CodeableConcept.all_of(told.type),
            date=date(told.date[:10] if told.date else None),
        )


@strawberry.type(description="Who had a part in the services.")
class ExplanationCareTeamMember:
    sequence: int | None = strawberry.field(description="By which lines refer to them.")
    provider: Party | None = strawberry.field(description="Who.")
    role: CodeableConcept | None = strawberry.field(
        description="`attending`, `rendering`, `prescribing`, `primary`, …"
    )
    qualification: CodeableConcept | None = strawberry.field(description="Their specialty.")

    @classmethod
    def of(cls, source: str, told: wire.CareTeamMember) -> ExplanationCareTeamMember:
        return cls(
            sequence=told.sequence,
            provider=party(source, told.provider),
            role=CodeableConcept.of(told.role),
            qualification=CodeableConcept.of(told.qualification),
        )


@strawberry.type(description="Another claim that has to do with this one.")
class RelatedExplanation:
    relationship: CodeableConcept | None = strawberry.field(
        description="`prior`, `replacedby`, `replaces`, …"
    )
    reference: Identifier | None = strawberry.field(description="Its number.")

    @classmethod
    def of(cls, told: wire.Related) -> RelatedExplanation:
        return cls(
            relationship=CodeableConcept.of(told.relationship),
            reference=Identifier.of(told.reference),
        )


@strawberry.type(description="Who is paid.")
class Payee:
    type: CodeableConcept | None = strawberry.field(
        description="`subscriber`, `provider`, `beneficiary` or `other`."
    )
    party: Party | None = strawberry.field(description="Who.")

    @classmethod
    def of(cls, source: str, told: wire.Payee | None) -> Payee | None:
        if told is None:
            return None
        return cls(type=CodeableConcept.of(told.type), party=party(source, told.party))


@strawberry.type(description="A remark of the payer's, for reading.")
class ProcessNote:
    number: int | None = strawberry.field(description="By which lines refer to it.")
    type: str | None = strawberry.field(description="`display`, `print` or `printoper`.")
    text: str | None = strawberry.field(description="The remark.")

    @classmethod
    def of(cls, told: wire.Note) -> ProcessNote:
        return cls(number=told.number, type=told.type, text=told.text)


@strawberry.type(description="A limit of the plan and how far it is used up.")
class BenefitBalanceLimit:
    type: CodeableConcept | None = strawberry.field(description="What kind of limit.")
    allowed: Money | None = strawberry.field(description=f"The limit: {_FOR_BILLING}")
    used: Money | None = strawberry.field(description=f"What is used of it: {_FOR_BILLING}")
    allowed_count: int | None = strawberry.field(description="The limit, of what is counted.")
    used_count: int | None = strawberry.field(description="What is used of it.")


@strawberry.type(description="The balance of a benefit after this decision.")
class BenefitBalance:
    category: CodeableConcept | None = strawberry.field(description="The kind of service.")
    name: str | None = strawberry.field(description="The benefit's name.")
    network: CodeableConcept | None = strawberry.field(description="Within the network, or not.")
    unit: CodeableConcept | None = strawberry.field(description="For whom: individual, family.")
    term: CodeableConcept | None = strawberry.field(description="For how long: `annual`, …")
    limits: list[BenefitBalanceLimit] = strawberry.field(directives=[FEW], description="Limits.")

    @classmethod
    def of(cls, told: wire.BenefitBalance, *, amounts: bool) -> BenefitBalance:
        return cls(
            category=CodeableConcept.of(told.category),
            name=told.name,
            network=CodeableConcept.of(told.network),
            unit=CodeableConcept.of(told.unit),
            term=CodeableConcept.of(told.term),
            limits=[
                BenefitBalanceLimit(
                    type=CodeableConcept.of(each.type),
                    allowed=Money.of(each.allowed_money) if amounts else None,
                    used=Money.of(each.used_money) if amounts else None,
                    allowed_count=each.allowed_unsigned_int,
                    used_count=each.used_unsigned_int,
                )
                for each in told.financial
            ],
        )


def party(source: str, reference: fhir.Reference | None) -> Party | None:
    return Party.of(source, reference) if reference else None
