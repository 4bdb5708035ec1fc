"""Values of claims: their lines, earlier versions and statuses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec
import strawberry

from subgraphs.connectors.x12 import claim_status as x12
from subgraphs.connectors.x12.filed.claims import procedure_concept
from subgraphs.coverage.model.claims import ClaimItem as Item
from subgraphs.coverage.model.claims import ClaimResource
from subgraphs.coverage.schema.values import usd
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Money, Period, ProvenanceMethod
from subgraphs.runtime.scalars import Date, DateTime, date_time


@strawberry.type(description="One line of a claim as it was submitted.")
class ClaimItem:
    sequence: int = strawberry.field(description="Its place on the claim.")
    service: CodeableConcept | None = strawberry.field(description="What was done or given.")
    modifiers: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="Modifiers of the procedure: `25`, `26`."
    )
    revenue: CodeableConcept | None = strawberry.field(
        description="An institution's revenue code: https://www.nubc.org"
    )
    serviced: Period | None = strawberry.field(description="When.")
    quantity: Decimal | None = strawberry.field(description="How many units.")
    diagnoses: list[int] = strawberry.field(
        description="Which of the claim's diagnoses it was for: 1 is the first."
    )
    net: Money | None = strawberry.field(
        description="What is charged for it: for billing and the patient; null for everyone else."
    )

    @classmethod
    def of(cls, item: Item, *, amounts: bool) -> ClaimItem:
        day = date_time(item.serviced_date)
        return cls(
            sequence=item.sequence,
            service=CodeableConcept.of(item.product_or_service),
            modifiers=CodeableConcept.all_of(item.modifier),
            revenue=CodeableConcept.of(item.revenue),
            serviced=Period.of(item.serviced_period)
            or (Period(start=day, end=day) if day else None),
            quantity=item.quantity.value if item.quantity else None,
            diagnoses=list(item.diagnosis_sequence),
            net=Money.of(item.net) if amounts else None,
        )


@strawberry.type(description="A version of a claim that a later one has taken the place of.")
class EarlierClaim:
    frequency: str | None = strawberry.field(description="`1` original, `7` replacement.")
    created: Date | None = strawberry.field(description="When it was submitted.")
    total: Money | None = strawberry.field(
        description="What it was for: for billing and the patient; null for everyone else."
    )

    @classmethod
    def of(cls, claim: ClaimResource, *, amounts: bool) -> EarlierClaim:
        return cls(
            frequency=claim.frequency,
            created=Date(claim.created[: len("YYYY-MM-DD")]) if claim.created else None,
            total=Money.of(claim.total) if amounts else None,
        )


@strawberry.type(description="A code of a status.")
class ClaimStatusCode:
    category: str = strawberry.field(
        description="`A` acknowledged, `P` pending, `F` final, `R` more is wanted, `E` an error; "
        "https://x12.org/codes/claim-status-category-codes"
    )
    code: str = strawberry.field(description="https://x12.org/codes/claim-status-codes")
    entity: str | None = strawberry.field(
        description="Whom it is about: `QC` the patient, `85` the billing provider, …"
    )

    @classmethod
    def all_of(cls, statuses: Iterable[x12.Status]) -> list[ClaimStatusCode]:
        return [
            cls(category=code.category, code=code.code, entity=code.entity or None)
            for status in statuses
            for code in status.codes
        ]


_AMOUNT = "for billing and the patient; null for everyone else."


@strawberry.type(description="Where a payer says that one service of a claim stands.")
class ClaimLineStatus:
    service: CodeableConcept | None = strawberry.field(description="What was done or given.")
    modifiers: list[str] = strawberry.field(description="Modifiers of the procedure: `25`, `26`.")
    codes: list[ClaimStatusCode] = strawberry.field(
        directives=[FEW], description="What it says, in its codes."
    )
    charged: Money | None = strawberry.field(description=f"What was charged: {_AMOUNT}")
    paid: Money | None = strawberry.field(description=f"What is paid: {_AMOUNT}")

    @classmethod
    def of(cls, told: x12.StatusLine, *, amounts: bool) -> ClaimLineStatus:
        concept = procedure_concept(told.procedure)
        return cls(
            service=CodeableConcept.of(
                msgspec.convert(concept, fhir.CodeableConcept) if concept else None
            ),
            modifiers=list(told.procedure.modifiers),
            codes=ClaimStatusCode.all_of(told.statuses),
            charged=_usd(told.charged, amounts=amounts),
            paid=_usd(told.paid, amounts=amounts),
        )


@strawberry.type(description="Where a payer says that a claim stands: X12 277.")
class ClaimStatus:
    codes: list[ClaimStatusCode] = strawberry.field(
        directives=[FEW], description="What it says, in its codes."
    )
    effective: Date | None = strawberry.field(description="Since when.")
    charged: Money | None = strawberry.field(
        description=f"What the payer has it was charged: {_AMOUNT}"
    )
    paid: Money | None = strawberry.field(description=f"What is paid: {_AMOUNT}")
    finalized: Date | None = strawberry.field(description="When it was decided for good.")
    remitted: Date | None = strawberry.field(description="When the check or transfer was made.")
    remittance_number: str | None = strawberry.field(
        description="The check or transfer, once there is one."
    )
    payer_claim_number: str | None = strawberry.field(description="The payer's own number.")
    lines: list[ClaimLineStatus] = strawberry.field(
        directives=[FEW], description="What it says of single services, where it does."
    )
    source: str = strawberry.field(description="The id of the source that told it.")
    trace_number: str | None = strawberry.field(
        description="The number of the inquiry, which the answer repeats (TRN02)."
    )
    as_of: DateTime | None = strawberry.field(description="When the payer said so.")
    method: ProvenanceMethod = strawberry.field(
        description="`X12` where it was told or asked by X12."
    )

    @classmethod
    def of(
        cls, told: x12.ClaimStatus, source: str, as_of: DateTime | None, *, amounts: bool
    ) -> ClaimStatus:
        said = told.statuses[0] if told.statuses else None
        return cls(
            codes=ClaimStatusCode.all_of(told.statuses),
            effective=_date(said.effective) if said else None,
            charged=_usd(said.charged if said else None, amounts=amounts),
            paid=_usd(said.paid if said else None, amounts=amounts),
            finalized=_date(said.finalized) if said else None,
            remitted=_date(said.remitted) if said else None,
            remittance_number=(said.remittance or None) if said else None,
            payer_claim_number=told.payer_claim or None,
            lines=[ClaimLineStatus.of(line, amounts=amounts) for line in told.lines],
            source=source,
            trace_number=told.trace or None,
            as_of=as_of,
            method=ProvenanceMethod.X12,
        )


def _date(day: date | None) -> Date | None:
    return Date(day.isoformat()) if day else None


def _usd(amount: Decimal | None, *, amounts: bool) -> Money | None:
    return usd(amount) if amounts and amount is not None else None
