"""What was paid for claims, as 835 files say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
import strawberry
from strawberry import federation

from contract.errors import Code
from subgraphs.connectors.x12.filed.claims import procedure_concept
from subgraphs.connectors.x12.remittance import (
    Adjustment,
    ClaimPayment,
    ProviderAdjustment,
    ServicePayment,
)
from subgraphs.coverage.loaders.billing import may_see_billing, sees_whole_payments
from subgraphs.coverage.loaders.claims import ClaimFact, load_payment
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.model.answers import RemittanceResource
from subgraphs.coverage.schema.values import usd
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import (
    FEW,
    CodeableConcept,
    Coding,
    Money,
    Provenance,
    ProvenanceMethod,
)
from subgraphs.runtime.errors import ClientError
from subgraphs.runtime.fact_nodes import FACT_ID
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import Date
from subgraphs.runtime.schema import Representation
from subgraphs.runtime.scopes import scopes_for

_GROUPS = (
    "`CO` contractual: nobody pays it; `PR` the patient's to pay; `OA` other; `PI` the payer's own "
    "decision. https://x12.org/codes/claim-adjustment-group-codes"
)


@strawberry.type(description="Why less, or more, was paid than charged.")
class ClaimAdjustment:
    group: str = strawberry.field(description=_GROUPS)
    reason: str = strawberry.field(
        description="`1` deductible, `2` coinsurance, `3` copay, `45` above the fee agreed, …; "
        "https://x12.org/codes/claim-adjustment-reason-codes"
    )
    amount: Money = strawberry.field(
        description="What it takes off the charge; negative where it adds to it."
    )
    quantity: Decimal | None = strawberry.field(description="Units that are not paid, if told.")

    @classmethod
    def all_of(cls, adjustments: Iterable[Adjustment]) -> list[ClaimAdjustment]:
        return [
            cls(group=a.group, reason=a.reason, amount=usd(a.amount), quantity=a.quantity)
            for a in adjustments
        ]


@strawberry.type(description="What was paid for one service of a claim.")
class RemittedService:
    service: CodeableConcept | None = strawberry.field(description="What was paid for.")
    modifiers: list[str] = strawberry.field(description="Modifiers of the procedure: `25`, `26`.")
    date: Date | None = strawberry.field(description="The first day of service.")
    charged: Money = strawberry.field(description="What the provider asked for.")
    paid: Money = strawberry.field(description="What the payer pays.")
    units: Decimal | None = strawberry.field(description="Units that are paid.")
    adjustments: list[ClaimAdjustment] = strawberry.field(
        directives=[FEW], description="What was taken off for this service."
    )

    @classmethod
    def of(cls, paid: ServicePayment) -> RemittedService:
        concept = procedure_concept(paid.procedure)
        return cls(
            service=CodeableConcept.of(
                msgspec.convert(concept, fhir.CodeableConcept) if concept else None
            ),
            modifiers=list(paid.procedure.modifiers),
            date=Date(paid.date.isoformat()) if paid.date else None,
            charged=usd(paid.charged),
            paid=usd(paid.paid),
            units=paid.units,
            adjustments=ClaimAdjustment.all_of(paid.adjustments),
        )


@strawberry.type(description="Money that moves beside the claims of a payment.")
class PaymentAdjustment:
    reason: str = strawberry.field(
        description="`WO` an overpayment taken back, `L6` interest, `FB` balance forward, …; "
        "https://x12.org/codes/provider-adjustment-reason-codes"
    )
    reference: str | None = strawberry.field(description="The payer's number of what it is about.")
    amount: Money = strawberry.field(description="What it takes off the payment.")

    @classmethod
    def of(cls, told: ProviderAdjustment) -> PaymentAdjustment:
        return cls(reason=told.reason, reference=told.reference or None, amount=usd(told.amount))


PAYMENT = "Payment"


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Claim"),
    description="A check or transfer by which a payer paid for claims: one X12 835. For billing "
    "and the patients of its claims.",
)
class Payment:
    id: strawberry.ID = strawberry.field(description=FACT_ID)
    trace_number: str | None = strawberry.field(
        description="The number of the check or the transfer (TRN02)."
    )
    method: str | None = strawberry.field(
        description="`ACH` or `FWT` a transfer, `CHK` a check, `NON` no money (BPR04)."
    )
    date: Date | None = strawberry.field(description="When it was made.")
    payer: str | None = strawberry.field(description="Who pays.")
    payee: str | None = strawberry.field(description="Who is paid.")
    provenance: list[Provenance] = strawberry.field(
        directives=[FEW], description="The file it was told in."
    )
    security_labels: list[Coding] = strawberry.field(
        directives=[FEW], description="The labels of the claim by which it was reached."
    )
    told: strawberry.Private[RemittanceResource]

    @strawberry.field(
        description="The whole of it, for all of its claims: for billing; null for everyone else."
    )
    def amount(self, info: strawberry.Info) -> Money | None:
        return usd(self.told.transfer.amount) if sees_whole_payments(info.context) else None

    @strawberry.field(
        description="What the payments of its claims, less its adjustments, are above its amount: "
        "zero where it balances. For billing; null for everyone else."
    )
    def difference(self, info: strawberry.Info) -> Money | None:
        return usd(self.told.transfer.difference) if sees_whole_payments(info.context) else None

    @strawberry.field(
        directives=[FEW],
        description="What moves beside the claims: for billing; null for everyone else.",
    )
    def adjustments(self, info: strawberry.Info) -> list[PaymentAdjustment] | None:
        if not sees_whole_payments(info.context):
            return None
        return [PaymentAdjustment.of(each) for each in self.told.transfer.adjustments]

    @classmethod
    def of(
        cls, request: Request[Payers], claim: ClaimFact, record: Record[RemittanceResource]
    ) -> Payment:
        told = record.resource
        transfer = told.transfer
        id_ = request.seal(PAYMENT, record.source, told.transfer_id, record.patient)
        return cls(
            id=strawberry.ID(id_),
            trace_number=transfer.trace or None,
            method=transfer.method or None,
            date=Date(transfer.paid_on.isoformat()) if transfer.paid_on else None,
            payer=transfer.payer.name if transfer.payer else None,
            payee=transfer.payee.name if transfer.payee else None,
            provenance=[Provenance.of(record, ProvenanceMethod.X12)],
            security_labels=[Coding.of(label) for label in claim.security],
            told=told,
        )

    @classmethod
    async def resolve_references(
        cls, request: Request[Payers], representations: Sequence[Representation]
    ) -> Sequence[object]:
        refs = [request.open(PAYMENT, each.get("id")) for each in representations]
        known = [ref for ref in refs if ref is not None]
        whose = dict(zip(known, await request.compartments(known), strict=True))
        found: list[object] = []
        for ref in refs:
            compartment = whose.get(ref) if ref else None
            paid = await load_payment(request, compartment, ref.id) if ref and compartment else None
            if paid is None or not may_see_billing(request, paid[0]):
                found.append(ClientError(Code.NOT_FOUND))
            else:
                found.append(cls.of(request, *paid))
        return found


@strawberry.type(description="What was paid for one claim by one payment.")
class ClaimRemittance:
    status: str = strawberry.field(
        description="`1`, `2`, `3` processed as primary, secondary, tertiary; `4` denied; `22` the "
        "reversal of an earlier one (CLP02). https://x12.org/codes"
    )
    is_reversal: bool = strawberry.field(
        description="Whether it takes back an earlier one: then its amounts are negative."
    )
    payer_claim_number: str | None = strawberry.field(description="The payer's own number.")
    charged: Money = strawberry.field(description="What the provider asked for.")
    paid: Money = strawberry.field(description="What the payer pays.")
    patient_responsibility: Money = strawberry.field(description="What is left to the patient.")
    adjustments: list[ClaimAdjustment] = strawberry.field(
        directives=[FEW], description="What was taken off for the claim as a whole."
    )
    services: list[RemittedService] = strawberry.field(
        directives=[FEW], description="What was paid for each service, where it is told."
    )
    payment: Payment = strawberry.field(description="The transfer it is part of.")

    @classmethod
    def all_of(cls, request: Request[Payers], claim: ClaimFact) -> list[ClaimRemittance]:
        return [cls._of(request, claim, record) for record in claim.remittances]

    @classmethod
    def _of(
        cls, request: Request[Payers], claim: ClaimFact, record: Record[RemittanceResource]
    ) -> ClaimRemittance:
        paid: ClaimPayment = record.resource.paid
        return cls(
            status=paid.status,
            is_reversal=paid.is_reversal,
            payer_claim_number=paid.payer_claim or None,
            charged=usd(paid.charged),
            paid=usd(paid.paid),
            patient_responsibility=usd(paid.patient_owes),
            adjustments=ClaimAdjustment.all_of(paid.adjustments),
            services=[RemittedService.of(each) for each in paid.services],
            payment=Payment.of(request, claim, record),
        )
