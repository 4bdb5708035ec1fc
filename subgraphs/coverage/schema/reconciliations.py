"""A claim's reconciliation as published."""

from __future__ import annotations

import strawberry

from subgraphs.coverage.model import reconciliation as model
from subgraphs.coverage.model.reconciliation import Problem
from subgraphs.coverage.schema.values import usd
from subgraphs.runtime.datatypes import FEW, Money

_SAID = {
    Problem.CHARGE_DIFFERS: "The remittances are for another charge than the claim's.",
    Problem.CLAIM_UNBALANCED: "The claim's charge less its adjustments is not what was paid.",
    Problem.SERVICE_UNBALANCED: "A service's charge less its adjustments is not what was paid.",
    Problem.SERVICES_DIFFER: "The services' charges together are not the claim's.",
    Problem.PATIENT_SHARE_DIFFERS: "The patient's adjustments (PR) are not what is left to them.",
    Problem.PAYMENT_UNBALANCED: "The payment is not what it pays for all of its claims.",
    Problem.PAID_DIFFERS: "The explanation of benefit tells another payment.",
    Problem.LIABILITY_DIFFERS: "The explanation of benefit leaves another amount to the patient.",
}

strawberry.enum(
    Problem, name="ReconciliationProblem", description="Which two sums are not the same."
)


@strawberry.type(description="All that was taken off a claim for one reason.")
class AdjustedAmount:
    group: str = strawberry.field(
        description="`CO` contractual, `PR` the patient's to pay, `OA` other, `PI` the payer's."
    )
    reason: str = strawberry.field(
        description="https://x12.org/codes/claim-adjustment-reason-codes"
    )
    amount: Money = strawberry.field(description="Of all remittances together.")


@strawberry.type(description="Two sums that should be the same.")
class ReconciliationFinding:
    problem: Problem = strawberry.field(description="Which ones.")
    message: str = strawberry.field(description="The same in words.")
    expected: Money = strawberry.field(description="What it should come to.")
    found: Money = strawberry.field(description="What it comes to.")
    trace_number: str | None = strawberry.field(
        description="The payment it is about, where it is about one."
    )
    service: int | None = strawberry.field(
        description="Likewise the service in it, counted from 1."
    )

    @classmethod
    def of(cls, finding: model.Finding) -> ReconciliationFinding:
        return cls(
            problem=finding.problem,
            message=_SAID[finding.problem],
            expected=usd(finding.expected),
            found=usd(finding.found),
            trace_number=finding.trace or None,
            service=finding.service,
        )


@strawberry.type(
    description="Whether the claim, what was remitted for it and what the payer explained come out "
    "at the same sums. All remittances count, reversals with their negative amounts."
)
class Reconciliation:
    charged: Money = strawberry.field(description="What the provider asked for.")
    allowed: Money = strawberry.field(
        description="What payer and patient pay together: the charge less all adjustments but `PR`."
    )
    adjusted: list[AdjustedAmount] = strawberry.field(
        directives=[FEW], description="What was taken off, by group and reason."
    )
    paid: Money = strawberry.field(description="What the payer has paid.")
    patient_responsibility: Money = strawberry.field(description="What is left to the patient.")
    difference: Money = strawberry.field(
        description="What was charged and neither adjusted nor paid: zero where it comes out."
    )
    is_balanced: bool = strawberry.field(description="Whether nothing was found.")
    findings: list[ReconciliationFinding] = strawberry.field(
        directives=[FEW], description="Whatever does not come out."
    )

    @classmethod
    def of(cls, found: model.Reconciliation | None) -> Reconciliation | None:
        if found is None:
            return None
        return cls(
            charged=usd(found.charged),
            allowed=usd(found.allowed),
            adjusted=[
                AdjustedAmount(group=a.group, reason=a.reason, amount=usd(a.amount))
                for a in found.adjusted
            ],
            paid=usd(found.paid),
            patient_responsibility=usd(found.patient_owes),
            difference=usd(found.difference),
            is_balanced=not found.findings,
            findings=[ReconciliationFinding.of(each) for each in found.findings],
        )
