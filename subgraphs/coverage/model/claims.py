"""Claims: FHIR's, and those of X12 files, which the inbox keeps in the same form.

https://hl7.org/fhir/R4/claim.html
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from subgraphs.connectors.x12.filed.claims import ORIGIN
from subgraphs.connectors.x12.filed.parties import ACCOUNT_SYSTEM, CLAIM_SYSTEM
from subgraphs.coverage.model.explanation_parts import Insurance
from subgraphs.coverage.model.families import Numbers, days_of
from subgraphs.coverage.model.payers import Coded, PayerResource, accounts_told, start
from subgraphs.runtime import fhir
from subgraphs.runtime.kinds import Detail, Kind, Order, changed
from subgraphs.runtime.labelling import mentions_of
from subgraphs.runtime.scalars import rank

_ACCOUNT_TYPES = frozenset({"AN", "PLAC"})
"""Types of identifiers that are the provider's; the others are the payer's."""
_PRIOR = frozenset({"prior", "replaces"})
_TOLD = {f"{ORIGIN}277": 0, f"{ORIGIN}835": 1}
"""What tells a claim only in passing, the least first."""


class ClaimMeta(fhir.Meta, frozen=True):
    source: str | None = None
    """https://hl7.org/fhir/R4/resource-definitions.html#Meta.source"""


class RelatedClaim(fhir.Element, frozen=True, kw_only=True):
    claim: fhir.Reference | None = None
    relationship: fhir.CodeableConcept = fhir.CodeableConcept()
    reference: fhir.Identifier | None = None


class ClaimDiagnosis(fhir.Element, frozen=True, kw_only=True):
    sequence: int | None = None
    diagnosis_codeable_concept: fhir.CodeableConcept | None = None
    type: tuple[fhir.CodeableConcept, ...] = ()


class ClaimItem(fhir.Element, frozen=True, kw_only=True):
    sequence: int
    revenue: fhir.CodeableConcept | None = None
    product_or_service: fhir.CodeableConcept | None = None
    modifier: tuple[fhir.CodeableConcept, ...] = ()
    serviced_date: str | None = None
    serviced_period: fhir.Period | None = None
    quantity: fhir.Quantity | None = None
    net: fhir.Money | None = None
    diagnosis_sequence: tuple[int, ...] = ()
    encounter: tuple[fhir.Reference, ...] = ()


class ClaimResource(PayerResource, frozen=True, kw_only=True):
    meta: ClaimMeta = ClaimMeta()
    status: str | None = None
    identifier: tuple[fhir.Identifier, ...] = ()
    type: fhir.CodeableConcept | None = None
    use: str | None = None
    patient: fhir.Reference | None = None
    billable_period: fhir.Period | None = None
    created: str | None = None
    insurer: fhir.Reference | None = None
    provider: fhir.Reference | None = None
    related: tuple[RelatedClaim, ...] = ()
    insurance: tuple[Insurance, ...] = ()
    supporting_info: tuple[Coded, ...] = ()
    diagnosis: tuple[ClaimDiagnosis, ...] = ()
    item: tuple[ClaimItem, ...] = ()
    total: fhir.Money | None = None

    @property
    def owner(self) -> fhir.Reference | None:
        return self.patient

    @property
    def is_filed(self) -> bool:
        """Whether it came in an X12 file."""
        return (self.meta.source or "").startswith(ORIGIN)

    @property
    def completeness(self) -> int:
        """A claim itself says more than a payment of it, and that more than its status."""
        return _TOLD.get(self.meta.source or "", len(_TOLD))

    @property
    def is_submitted(self) -> bool:
        """Whether it is the claim itself, and not what an answer repeats of it."""
        return self.completeness == len(_TOLD)

    @property
    def charged(self) -> Decimal | None:
        return self.total.value if self.total else None

    @property
    def frequency(self) -> str | None:
        """1 original, 7 replacement, 8 void: https://www.nubc.org"""
        told = (i.code for i in self.supporting_info if i.category.code == "claimfrequency")
        return next((concept.code for concept in told if concept), None)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The provider's numbers of it."""
        own = (i.value for i in self.identifier if _is_account(i) and i.value)
        return tuple(dict.fromkeys((*own, *accounts_told(self.supporting_info))))

    def numbers(self, source: str) -> Numbers:
        """`source` is who gave it: whose numbers these are, unless a file says otherwise."""
        return Numbers(
            accounts=frozenset(
                _scoped(i.system, ACCOUNT_SYSTEM, source, i.value)
                for i in self.identifier
                if _is_account(i) and i.value
            )
            | {f"{source}|{account}" for account in self.accounts if not self.is_filed},
            claims=_claim_numbers((*self.identifier, *self._prior), source),
            days=days_of(self.billable_period),
        )

    def own_claims(self, source: str) -> frozenset[str]:
        """The payer's numbers of this version alone, as `numbers` has them."""
        return _claim_numbers(self.identifier, source)

    @property
    def coverages(self) -> tuple[str, ...]:
        """What it was sent under, that which pays first."""
        told = sorted(self.insurance, key=lambda each: not each.focal)
        ids = (each.coverage.id_of("Coverage") for each in told if each.coverage)
        return tuple(id_ for id_ in ids if id_)

    @property
    def _prior(self) -> tuple[fhir.Identifier, ...]:
        related = (each for each in self.related if each.relationship.code in _PRIOR)
        return tuple(each.reference for each in related if each.reference)

    @property
    def replaces(self) -> frozenset[str]:
        ids = (r.claim.id_of("Claim") for r in self.related if r.claim)
        return frozenset(id_ for id_ in ids if id_)


def _is_account(identifier: fhir.Identifier) -> bool:
    if (identifier.system or "").startswith(ACCOUNT_SYSTEM):
        return True
    return identifier.type is not None and identifier.type.code in _ACCOUNT_TYPES


def _claim_numbers(identifiers: Iterable[fhir.Identifier], source: str) -> frozenset[str]:
    return frozenset(
        _scoped(i.system, CLAIM_SYSTEM, source, i.value)
        for i in identifiers
        if not _is_account(i) and i.value
    )


def _scoped(system: str | None, prefix: str, source: str, value: str | None) -> str:
    """`payer|number`: a file's systems say whose number it is."""
    payer = system.removeprefix(prefix) if system and system.startswith(prefix) else source
    return f"{payer}|{value}"


def _weight(claim: ClaimResource) -> Order:
    # What was sent at one moment is in the order of its frequencies: a void comes last.
    return claim.completeness, rank(claim.created), changed(claim), claim.frequency or ""


def _shown(amount: fhir.Money) -> str:
    return f"{amount.value} {amount.currency or ''}".strip()


CLAIM: Kind[ClaimResource] = Kind(
    type="Claim",
    rank=lambda c: start(c.billable_period) or rank(c.created),
    # Which records are one claim is told by all that is known of a patient's claims together.
    same=lambda _: None,
    details=(
        Detail("status", lambda c: c.status if c.is_submitted else None),
        Detail(
            "total",
            lambda c: c.total,
            shown=_shown,
            agree=lambda one, other: one.value == other.value,
        ),
    ),
    weight=_weight,
    tokens=lambda c: {"use": frozenset({c.use} if c.use else ())},
    retracted=lambda c: c.status == "entered-in-error",
    mentions=lambda c: mentions_of(
        *(item.product_or_service for item in c.item),
        *(diagnosis.diagnosis_codeable_concept for diagnosis in c.diagnosis),
    ),
)
