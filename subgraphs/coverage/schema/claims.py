"""Claims, with what was paid for them and how it comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.claim_statuses import load_live_statuses
from subgraphs.coverage.loaders.claims import ClaimFact, load_claims, load_explained
from subgraphs.coverage.loaders.payers import Payers, load_name
from subgraphs.coverage.model.claims import CLAIM, ClaimResource
from subgraphs.coverage.model.reconciliation import reconcile
from subgraphs.coverage.schema.claim_values import ClaimItem, ClaimStatus, EarlierClaim
from subgraphs.coverage.schema.reconciliations import Reconciliation
from subgraphs.coverage.schema.remittances import ClaimRemittance
from subgraphs.coverage.schema.whose import PatientOfFact, patient_of
from subgraphs.runtime import billing_key
from subgraphs.runtime.billing_key import BillingKey, seal_billing
from subgraphs.runtime.datatypes import (
    FEW,
    CodeableConcept,
    Money,
    Period,
    Provenance,
    ProvenanceMethod,
    date,
)
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import FactNode, common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.naming import Party, party_of
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date, date_time
from subgraphs.runtime.scopes import scopes_for

if TYPE_CHECKING:
    from subgraphs.coverage.schema.explanations import ExplanationOfBenefit

ExplanationOfClaim: TypeAlias = Annotated[
    "ExplanationOfBenefit", strawberry.lazy("subgraphs.coverage.schema.explanations")
]

_FOR_BILLING = "for billing and the patient; null for everyone else."


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Claim"),
    description=billing_key.CLAIM,
)
class Claim(FactNode):
    patient: PatientOfFact = strawberry.field(description="Who was treated.")
    status: str | None = strawberry.field(
        description="`active`, `cancelled` (also by a void), or `draft`."
    )
    type: CodeableConcept | None = strawberry.field(
        description="`institutional`, `professional`, `pharmacy`, `oral` or `vision`."
    )
    billable_period: Period | None = strawberry.field(description="When the services were given.")
    created: Date | None = strawberry.field(description="When it was submitted.")
    frequency: str | None = strawberry.field(
        description="`1` original, `7` replacement, `8` void; https://www.nubc.org"
    )
    diagnoses: list[CodeableConcept] = strawberry.field(
        description="What it was for, in the order of the claim."
    )
    fact: strawberry.Private[Fact[ClaimResource]]

    @federation.field(inaccessible=True, description="The way to its visit, sealed for records.")
    def billing_key(self, info: strawberry.Info) -> str | None:
        claim = self._claim
        key = BillingKey.of(claim.compartment, claim.accounts, claim.encounters)
        return seal_billing(info.context.subgraph.ids, CLAIM.type, self.id, key)

    @strawberry.field(description="The provider's number of it, which its payments repeat.")
    def account_number(self) -> str | None:
        return next(iter(self._claim.accounts), None)

    @strawberry.field(
        directives=[FEW], description="The payer's own numbers of it, the first first."
    )
    def payer_claim_numbers(self) -> list[str]:
        return sorted(number.partition("|")[2] for number in self._claim.numbers.claims)

    @strawberry.field(description="The name of whoever gave the services.")
    async def provider_name(self, info: strawberry.Info) -> str | None:
        for record in self.fact.leading:
            if record.resource.provider is not None:
                return await load_name(info.context, record, record.resource.provider)
        return None

    @strawberry.field(description="Whoever gave the services.")
    def provider(self) -> Party | None:
        return party_of(self.fact, lambda claim: claim.provider)

    @strawberry.field(description="The lines of the claim.")
    def items(self, info: strawberry.Info) -> list[ClaimItem]:
        amounts = self._may_see_billing(info)
        return [ClaimItem.of(item, amounts=amounts) for item in self.fact.resource.item]

    @strawberry.field(description=f"What is asked for: {_FOR_BILLING}")
    def total(self, info: strawberry.Info) -> Money | None:
        return Money.of(self.fact.resource.total) if self._may_see_billing(info) else None

    @strawberry.field(
        directives=[FEW], description="What it has taken the place of, the latest first."
    )
    def earlier_versions(self, info: strawberry.Info) -> list[EarlierClaim]:
        amounts = self._may_see_billing(info)
        told = [record.resource for record in self._claim.submitted_before]
        return [EarlierClaim.of(claim, amounts=amounts) for claim in told]

    @strawberry.field(directives=[FEW], description="What the payer decided about it.")
    async def explanations(self, info: strawberry.Info) -> list[ExplanationOfClaim] | None:
        from subgraphs.coverage.schema.explanations import ExplanationOfBenefit  # noqa: PLC0415

        found = await load_explained(info.context, self._claim)
        return [ExplanationOfBenefit.of(info.context, fact) for fact in found]

    @strawberry.field(
        directives=[FEW], description=f"What was paid for it, the latest first: {_FOR_BILLING}"
    )
    def remittances(self, info: strawberry.Info) -> list[ClaimRemittance] | None:
        if not self._may_see_billing(info):
            return None
        return ClaimRemittance.all_of(info.context, self._claim)

    @strawberry.field(
        directives=[FEW],
        description="What payers have told of it, by files of X12 277: the latest first.",
    )
    def reported_statuses(self, info: strawberry.Info) -> list[ClaimStatus]:
        amounts = self._may_see_billing(info)
        return [
            ClaimStatus.of(
                record.resource.status,
                record.source,
                date_time(record.resource.meta.last_updated),
                amounts=amounts,
            )
            for record in self._claim.statuses
        ]

    @strawberry.field(
        directives=[FEW],
        description="Where the payer says now that it stands, asked by X12 276: several, where it "
        "was split or more than one was found, and none where the payer says nothing of it. Null "
        "where nobody can be asked. All claims of an operation are one question to each payer.",
    )
    async def live_statuses(self, info: strawberry.Info) -> list[ClaimStatus] | None:
        request: Request[Payers] = info.context
        told = await load_live_statuses(request, self._claim)
        if told is None:
            return None
        amounts, now = self._may_see_billing(info), date_time(request.subgraph.now())
        return [ClaimStatus.of(each.status, each.source, now, amounts=amounts) for each in told]

    @strawberry.field(
        description="How the claim, its remittances and what the payer explained come out; null as "
        f"long as nothing was remitted. {_FOR_BILLING.capitalize()}"
    )
    async def reconciliation(self, info: strawberry.Info) -> Reconciliation | None:
        if not self._may_see_billing(info):
            return None
        claim = self._claim
        told = [(r.resource.transfer, r.resource.paid) for r in claim.remittances]
        if not told:
            return None
        explained = await load_explained(info.context, claim)
        explanations = [fact.resource for fact in explained if fact.resource.status == "active"]
        return Reconciliation.of(reconcile(claim.submitted_charge, told, explanations))

    @property
    def _claim(self) -> ClaimFact:
        return cast("ClaimFact", self.fact)

    def _may_see_billing(self, info: strawberry.Info) -> bool:
        return may_see_billing(info.context, self.fact)

    @classmethod
    def of(cls, _request: Request[Any], fact: Fact[ClaimResource]) -> Claim:
        resource = fact.resource
        told = (each.diagnosis_codeable_concept for each in resource.diagnosis)
        known = common(fact)
        known["provenance"] = [
            Provenance.of(
                record,
                ProvenanceMethod.X12 if record.resource.is_filed else ProvenanceMethod.FHIR_READ,
            )
            for record in fact.records
        ]
        return cls(
            **known,
            patient=patient_of(fact),
            status=resource.status,
            type=CodeableConcept.of(resource.type),
            billable_period=Period.of(resource.billable_period),
            created=date(resource.created and resource.created[: len("YYYY-MM-DD")]),
            frequency=resource.frequency,
            diagnoses=CodeableConcept.all_of(each for each in told if each),
        )

    resolve_references = facts_by_id(CLAIM, load_claims)
