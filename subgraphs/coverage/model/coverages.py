"""FHIR Coverage: https://hl7.org/fhir/R4/coverage.html, https://hl7.org/fhir/us/carin-bb/"""

from __future__ import annotations

import msgspec

from subgraphs.coverage.model.explanation_parts import PayerMeta
from subgraphs.coverage.model.payers import PayerResource, start
from subgraphs.runtime import fhir
from subgraphs.runtime.kinds import Kind

_MEMBER_NUMBER = "MB"


class CoverageClass(fhir.Element, frozen=True):
    type: fhir.CodeableConcept = fhir.CodeableConcept()
    value: str | None = None
    name: str | None = None


class CoverageResource(PayerResource, frozen=True, kw_only=True):
    meta: PayerMeta = PayerMeta()
    status: str | None = None
    identifier: tuple[fhir.Identifier, ...] = ()
    type: fhir.CodeableConcept | None = None
    subscriber_id: str | None = None
    beneficiary: fhir.Reference | None = None
    relationship: fhir.CodeableConcept | None = None
    period: fhir.Period | None = None
    dependent: str | None = None
    network: str | None = None
    policy_holder: fhir.Reference | None = None
    subscriber: fhir.Reference | None = None
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


COVERAGE: Kind[CoverageResource] = Kind(
    type="Coverage",
    # What is in force comes first, then the newest.
    rank=lambda c: f"{int(c.status == 'active')}{start(c.period)}",
    # Only a payer speaks of its own coverage, so nothing is there to be merged.
    same=lambda _: None,
    retracted=lambda c: c.status == "entered-in-error",
)
