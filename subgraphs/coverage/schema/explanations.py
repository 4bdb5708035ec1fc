"""What payers decided about claims."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.claims import load_claim_of
from subgraphs.coverage.loaders.payers import (
    load_explanations,
    load_name,
)
from subgraphs.coverage.model.explanations import EXPLANATION, ExplanationResource
from subgraphs.coverage.schema.claims import Claim
from subgraphs.coverage.schema.explanation_parts import (
    Adjudication,
    BenefitBalance,
    ExplanationCareTeamMember,
    ExplanationDiagnosis,
    ExplanationProcedure,
    Payee,
    ProcessNote,
    RelatedExplanation,
    SupportingInformation,
    party,
)
from subgraphs.coverage.schema.values import (
    ClaimAmounts,
    ClaimPayment,
    ExplanationItem,
)
from subgraphs.coverage.schema.whose import CoverageOfFact, PatientOfFact, coverage_of, patient_of
from subgraphs.runtime.datatypes import (
    FEW,
    CodeableConcept,
    Identifier,
    Money,
    Period,
    date,
)
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import (
    FactNode,
    common,
)
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import Party
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("ExplanationOfBenefit"),
    description="What a payer decided about a claim. "
    "https://hl7.org/fhir/R4/explanationofbenefit.html",
)
class ExplanationOfBenefit(FactNode):
    patient: PatientOfFact = strawberry.field(description="Whose claim it was.")
    status: str | None = strawberry.field(description="`active`, `cancelled` or `draft`.")
    type: CodeableConcept | None = strawberry.field(
        description="`institutional`, `professional`, `pharmacy`, `oral` or `vision`."
    )
    outcome: str | None = strawberry.field(
        description="`queued`, `complete`, `error` or `partial`."
    )
    billable_period: Period | None = strawberry.field(description="When the services were given.")
    created: DateTime | None = strawberry.field(description="When the payer decided.")
    sub_type: CodeableConcept | None = strawberry.field(
        description="`inpatient` or `outpatient`, of an institution's."
    )
    use: str | None = strawberry.field(
        description="`claim`, `preauthorization` or `predetermination`."
    )
    profiles: list[str] = strawberry.field(
        directives=[FEW], description="The profiles that the payer says it follows."
    )
    insurer: Party | None = strawberry.field(description="Who pays.")
    provider: Party | None = strawberry.field(description="Who asked to be paid.")
    payee: Payee | None = strawberry.field(description="Who is paid.")
    related: list[RelatedExplanation] = strawberry.field(
        directives=[FEW], description="Other claims that have to do with it."
    )
    care_team: list[ExplanationCareTeamMember] = strawberry.field(
        directives=[FEW], description="Who had a part in the services."
    )
    supporting_information: list[SupportingInformation] = strawberry.field(
        directives=[FEW], description="Whatever else the payer was told."
    )
    diagnoses: list[ExplanationDiagnosis] = strawberry.field(
        directives=[FEW], description="What it was for."
    )
    procedures: list[ExplanationProcedure] = strawberry.field(
        directives=[FEW], description="What was done, on an institution's."
    )
    process_notes: list[ProcessNote] = strawberry.field(
        directives=[FEW], description="The payer's remarks."
    )
    disposition: str | None = strawberry.field(description="The decision in words.")
    fact: strawberry.Private[Fact[ExplanationResource]]

    @strawberry.field(description="The name of whoever gave the services.")
    async def provider_name(self, info: strawberry.Info) -> str | None:
        record = self.fact.records[0]
        return await load_name(info.context, record, record.resource.provider)

    @strawberry.field(
        description="The claim it is about, where it is known: by the payer's own reference, or by "
        "its numbers."
    )
    async def claim(self, info: strawberry.Info) -> Claim | None:
        claim = await load_claim_of(info.context, self.fact)
        return Claim.of(info.context, claim) if claim else None

    @strawberry.field(
        directives=[FEW],
        description="The payer's own numbers of the claim: for billing and the "
        "patient; null for everyone else.",
    )
    def identifiers(self, info: strawberry.Info) -> list[Identifier] | None:
        if not self._may_see_billing(info):
            return None
        return Identifier.all_of(self.fact.resource.identifier)

    @strawberry.field(
        directives=[FEW],
        description="The coverages it was decided under, those the caller may see.",
    )
    async def coverages(self, info: strawberry.Info) -> list[CoverageOfFact] | None:
        told = [each.coverage for each in self.fact.resource.insurance]
        found = [await coverage_of(info.context, self.fact, each) for each in told]
        return [coverage for coverage in found if coverage is not None]

    @strawberry.field(
        directives=[FEW], description="How the claim as a whole was decided, amount by amount."
    )
    def adjudications(self, info: strawberry.Info) -> list[Adjudication]:
        shown = self._may_see_billing(info)
        return Adjudication.all_of(self.fact.resource.adjudication, shown=shown)

    @strawberry.field(directives=[FEW], description="The totals, category by category.")
    def total_amounts(self, info: strawberry.Info) -> list[Adjudication]:
        return Adjudication.all_of(self.fact.resource.total, shown=self._may_see_billing(info))

    @strawberry.field(directives=[FEW], description="Balances of benefits after the decision.")
    def benefit_balances(self, info: strawberry.Info) -> list[BenefitBalance]:
        amounts = self._may_see_billing(info)
        told = self.fact.resource.benefit_balance
        return [BenefitBalance.of(each, amounts=amounts) for each in told]

    @strawberry.field(description="The lines of the claim.")
    def items(self, info: strawberry.Info) -> list[ExplanationItem]:
        amounts = self._may_see_billing(info)
        return [ExplanationItem.of(item, amounts=amounts) for item in self.fact.resource.item]

    @strawberry.field(
        description="The totals: for billing and the patient; null for everyone else."
    )
    def totals(self, info: strawberry.Info) -> ClaimAmounts | None:
        if not self._may_see_billing(info):
            return None
        return ClaimAmounts.of(self.fact.resource.totals)

    @strawberry.field(
        description="The payment: for billing and the patient; null for everyone else."
    )
    def payment(self, info: strawberry.Info) -> ClaimPayment | None:
        payment = self.fact.resource.payment
        if payment is None or not self._may_see_billing(info):
            return None
        return ClaimPayment(
            amount=Money.of(payment.amount),
            date=date(payment.date),
            type=CodeableConcept.of(payment.type),
        )

    def _may_see_billing(self, info: strawberry.Info) -> bool:
        return may_see_billing(info.context, self.fact)

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[ExplanationResource]) -> ExplanationOfBenefit:
        resource, source = fact.resource, fact.records[0].source
        return cls(
            **common(fact),
            patient=patient_of(fact),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            outcome=resource.outcome,
            billable_period=Period.of(resource.billable_period),
            created=date_time(resource.created),
            sub_type=CodeableConcept.of(resource.sub_type),
            use=resource.use,
            profiles=list(resource.meta.profile),
            insurer=party(source, resource.insurer),
            provider=party(source, resource.provider),
            payee=Payee.of(source, resource.payee),
            related=[RelatedExplanation.of(each) for each in resource.related],
            care_team=[ExplanationCareTeamMember.of(source, each) for each in resource.care_team],
            supporting_information=[
                SupportingInformation.of(source, each) for each in resource.supporting_info
            ],
            diagnoses=[ExplanationDiagnosis.of(each) for each in resource.diagnosis],
            procedures=[ExplanationProcedure.of(each) for each in resource.procedure],
            process_notes=[ProcessNote.of(each) for each in resource.process_note],
            disposition=resource.disposition,
        )

    resolve_references = facts_by_id(EXPLANATION, load_explanations)
