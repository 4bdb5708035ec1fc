"""FHIR ExplanationOfBenefit: https://hl7.org/fhir/R4/explanationofbenefit.html and CARIN's.

https://hl7.org/fhir/us/carin-bb/
"""

from __future__ import annotations

from collections.abc import Iterable

from subgraphs.coverage.model.explanation_parts import (
    Amount,
    BenefitBalance,
    CareTeamMember,
    Diagnosis,
    Information,
    Insurance,
    Item,
    Note,
    Payee,
    PayerMeta,
    Payment,
    Procedure,
    Related,
)
from subgraphs.coverage.model.families import Numbers, days_of
from subgraphs.coverage.model.payers import PayerResource, accounts_told, start
from subgraphs.runtime import fhir
from subgraphs.runtime.kinds import Kind
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.scalars import rank

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


class ExplanationResource(PayerResource, frozen=True, kw_only=True):
    meta: PayerMeta = PayerMeta()
    status: str | None = None
    identifier: tuple[fhir.Identifier, ...] = ()
    type: fhir.CodeableConcept | None = None
    sub_type: fhir.CodeableConcept | None = None
    use: str | None = None
    outcome: str | None = None
    patient: fhir.Reference | None = None
    billable_period: fhir.Period | None = None
    created: str | None = None
    insurer: fhir.Reference | None = None
    provider: fhir.Reference | None = None
    item: tuple[Item, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    """What is billed for a sensitive one is sensitive itself."""
    procedure: tuple[Procedure, ...] = ()
    care_team: tuple[CareTeamMember, ...] = ()
    related: tuple[Related, ...] = ()
    payee: Payee | None = None
    insurance: tuple[Insurance, ...] = ()
    process_note: tuple[Note, ...] = ()
    benefit_period: fhir.Period | None = None
    benefit_balance: tuple[BenefitBalance, ...] = ()
    disposition: str | None = None
    adjudication: tuple[Amount, ...] = ()
    total: tuple[Amount, ...] = ()
    payment: Payment | None = None
    claim: fhir.Reference | None = None
    supporting_info: tuple[Information, ...] = ()

    @property
    def claim_id(self) -> str | None:
        """The payer's own resource of the claim, where it keeps one."""
        return self.claim.id_of("Claim") if self.claim else None

    def numbers(self, source: str) -> Numbers:
        """Of the claim, as its payer numbers it and as its provider does."""
        given = frozenset(f"{source}|{i.value}" for i in self.identifier if i.value)
        accounts = frozenset(f"{source}|{each}" for each in accounts_told(self.supporting_info))
        return Numbers(accounts, given, days_of(self.billable_period))

    @property
    def owner(self) -> fhir.Reference | None:
        return self.patient

    @property
    def totals(self) -> tuple[Amount, ...]:
        """A claim adjudicated as a whole may have its amounts there instead."""
        return *self.total, *self.adjudication


def amount_of(amounts: Iterable[Amount], *codes: str) -> fhir.Money | None:
    """The amount of the first of these categories that is given."""
    given = [(amount.amount, {c.code for c in amount.category.coding}) for amount in amounts]
    return next((money for code in codes for money, of in given if money and code in of), None)


EXPLANATION: Kind[ExplanationResource] = Kind(
    type="ExplanationOfBenefit",
    rank=lambda e: start(e.billable_period) or rank(e.created),
    same=lambda _: None,
    tokens=lambda e: {"type": fhir.tokens([e.type])},
    retracted=lambda e: e.status == "entered-in-error",
    mentions=lambda e: mentions_of(
        *(item.product_or_service for item in e.item),
        *(diagnosis.diagnosis_codeable_concept for diagnosis in e.diagnosis),
        *(detail.product_or_service for item in e.item for detail in item.detail),
        *(procedure.procedure_codeable_concept for procedure in e.procedure),
    ),
)
