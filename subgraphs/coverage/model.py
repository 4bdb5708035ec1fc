"""FHIR Coverage and ExplanationOfBenefit, as far as the payer's side of the graph reads them.

https://hl7.org/fhir/R4/coverage.html, https://hl7.org/fhir/R4/explanationofbenefit.html,
https://hl7.org/fhir/us/carin-bb/
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from subgraphs.runtime import fhir
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.scalars import rank

_MEMBER_NUMBER = "MB"
_CMS = "https://bluebutton.cms.gov/resources/variables/line_"
# CARIN, the base specification and Medicare's Blue Button name some amounts differently.
AMOUNT_CODES = {
    "submitted": ("submitted", f"{_CMS}sbmtd_chrg_amt"),
    "allowed": ("eligible", "allowed", f"{_CMS}alowd_chrg_amt"),
    "deductible": ("deductible", f"{_CMS}bene_ptb_ddctbl_amt"),
    "copay": ("copay",),
    "coinsurance": ("coinsurance", f"{_CMS}coinsrnc_amt"),
    "benefit": ("benefit", "paidtoprovider", f"{_CMS}prvdr_pmt_amt"),
    "member_liability": ("memberliability",),
    "paid_by_patient": ("paidbypatient",),
}


class Contained(fhir.Element, frozen=True):
    """A resource within another, as far as it names someone.

    https://hl7.org/fhir/R4/references.html#contained
    """

    id: str | None = None
    name: str | tuple[fhir.HumanName, ...] | None = None
    """An organization's is a text, a person's has parts."""


class PayerResource(fhir.Resource, frozen=True, kw_only=True):
    contained: tuple[Contained, ...] = ()

    def contained_name(self, reference: fhir.Reference) -> str | None:
        """The name of whom a reference such as `#payer` means."""
        within = (c.name for c in self.contained if c.id and f"#{c.id}" == reference.reference)
        name = next(within, None)
        if isinstance(name, tuple):
            return next((full for part in name if (full := part.full)), None)
        return name


class CoverageClass(fhir.Element, frozen=True):
    type: fhir.CodeableConcept = fhir.CodeableConcept()
    value: str | None = None
    name: str | None = None


class CoverageResource(PayerResource, frozen=True, kw_only=True):
    status: str | None = None
    identifier: tuple[fhir.Identifier, ...] = ()
    type: fhir.CodeableConcept | None = None
    subscriber_id: str | None = None
    beneficiary: fhir.Reference | None = None
    relationship: fhir.CodeableConcept | None = None
    period: fhir.Period | None = None
    payor: tuple[fhir.Reference, ...] = ()
    classes: tuple[CoverageClass, ...] = msgspec.field(default=(), name="class")

    @property
    def owner(self) -> fhir.Reference | None:
        return self.beneficiary

    @property
    def plan(self) -> str | None:
        plans = (c for c in self.classes if c.type.code == "plan")
        return next((plan.name or plan.value for plan in plans), None)

    @property
    def member_number(self) -> str | None:
        """The number of this member alone, where the payer gives everyone one."""
        numbers = (i.value for i in self.identifier if i.type and i.type.code == _MEMBER_NUMBER)
        return next((number for number in numbers if number), None)

    @property
    def is_subscribers_own(self) -> bool:
        return self.relationship is None or self.relationship.code == "self"


class Amount(fhir.Element, frozen=True):
    """A total or an adjudication: what kind of amount, and how much."""

    category: fhir.CodeableConcept = fhir.CodeableConcept()
    amount: fhir.Money | None = None


class Item(fhir.Element, frozen=True):
    sequence: int
    product_or_service: fhir.CodeableConcept | None = None
    serviced_date: str | None = None
    serviced_period: fhir.Period | None = None
    adjudication: tuple[Amount, ...] = ()


class Diagnosis(fhir.Element, frozen=True):
    diagnosis_codeable_concept: fhir.CodeableConcept | None = None


class Payment(fhir.Element, frozen=True):
    amount: fhir.Money | None = None
    date: str | None = None


class ExplanationResource(PayerResource, frozen=True, kw_only=True):
    status: str | None = None
    identifier: tuple[fhir.Identifier, ...] = ()
    type: fhir.CodeableConcept | None = None
    use: str | None = None
    outcome: str | None = None
    patient: fhir.Reference | None = None
    billable_period: fhir.Period | None = None
    created: str | None = None
    insurer: fhir.Reference | None = None
    provider: fhir.Reference | None = None
    item: tuple[Item, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    """Not shown; what is billed for a sensitive one is sensitive itself."""
    adjudication: tuple[Amount, ...] = ()
    total: tuple[Amount, ...] = ()
    payment: Payment | None = None

    @property
    def owner(self) -> fhir.Reference | None:
        return self.patient

    @property
    def totals(self) -> tuple[Amount, ...]:
        """A claim adjudicated as a whole may have its amounts there instead."""
        return *self.total, *self.adjudication


class Organization(fhir.Resource, frozen=True, kw_only=True):
    name: str | None = None


class Member(fhir.Resource, frozen=True, kw_only=True):
    """A payer's Patient: what it wants to be told to recognise a member."""

    name: tuple[fhir.HumanName, ...] = ()
    birth_date: str | None = None


def amount_of(amounts: Iterable[Amount], *codes: str) -> fhir.Money | None:
    """The amount of the first of these categories that is given."""
    given = [(amount.amount, {c.code for c in amount.category.coding}) for amount in amounts]
    return next((money for code in codes for money, of in given if money and code in of), None)


def _start(period: fhir.Period | None) -> str:
    return rank(period.start if period else None)


COVERAGE: Kind[CoverageResource] = Kind(
    type="Coverage",
    # What is in force comes first, then the newest.
    rank=lambda c: f"{int(c.status == 'active')}{_start(c.period)}",
    # Only a payer speaks of its own coverage, so nothing is there to be merged.
    same=lambda _: None,
    retracted=lambda c: c.status == "entered-in-error",
)

EXPLANATION: Kind[ExplanationResource] = Kind(
    type="ExplanationOfBenefit",
    rank=lambda e: _start(e.billable_period) or rank(e.created),
    same=lambda _: None,
    tokens=lambda e: {"type": fhir.tokens([e.type])},
    retracted=lambda e: e.status == "entered-in-error",
    mentions=lambda e: mentions_of(
        *(item.product_or_service for item in e.item),
        *(diagnosis.diagnosis_codeable_concept for diagnosis in e.diagnosis),
    ),
)
