"""The parts of an ExplanationOfBenefit, as CARIN fills them.

https://hl7.org/fhir/us/carin-bb/STU2.1/
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from subgraphs.runtime import fhir


class Amount(fhir.Element, frozen=True, kw_only=True):
    """A total or an adjudication: what kind of amount, how much, and why."""

    category: fhir.CodeableConcept = fhir.CodeableConcept()
    reason: fhir.CodeableConcept | None = None
    amount: fhir.Money | None = None
    value: Decimal | None = None
    """Of what is counted, and no money: units allowed."""


class Detail(fhir.Element, frozen=True, kw_only=True):
    sequence: int | None = None
    revenue: fhir.CodeableConcept | None = None
    product_or_service: fhir.CodeableConcept | None = None
    modifier: tuple[fhir.CodeableConcept, ...] = ()
    quantity: fhir.Quantity | None = None
    net: fhir.Money | None = None
    adjudication: tuple[Amount, ...] = ()


class Item(fhir.Element, frozen=True, kw_only=True):
    sequence: int
    care_team_sequence: tuple[int, ...] = ()
    diagnosis_sequence: tuple[int, ...] = ()
    procedure_sequence: tuple[int, ...] = ()
    information_sequence: tuple[int, ...] = ()
    revenue: fhir.CodeableConcept | None = None
    product_or_service: fhir.CodeableConcept | None = None
    modifier: tuple[fhir.CodeableConcept, ...] = ()
    serviced_date: str | None = None
    serviced_period: fhir.Period | None = None
    location_codeable_concept: fhir.CodeableConcept | None = None
    quantity: fhir.Quantity | None = None
    unit_price: fhir.Money | None = None
    net: fhir.Money | None = None
    body_site: fhir.CodeableConcept | None = None
    sub_site: tuple[fhir.CodeableConcept, ...] = ()
    note_number: tuple[int, ...] = ()
    adjudication: tuple[Amount, ...] = ()
    detail: tuple[Detail, ...] = ()


class Diagnosis(fhir.Element, frozen=True, kw_only=True):
    sequence: int | None = None
    diagnosis_codeable_concept: fhir.CodeableConcept | None = None
    type: tuple[fhir.CodeableConcept, ...] = ()
    on_admission: fhir.CodeableConcept | None = None


class Procedure(fhir.Element, frozen=True, kw_only=True):
    sequence: int | None = None
    type: tuple[fhir.CodeableConcept, ...] = ()
    date: str | None = None
    procedure_codeable_concept: fhir.CodeableConcept | None = None


class CareTeamMember(fhir.Element, frozen=True, kw_only=True):
    sequence: int | None = None
    provider: fhir.Reference | None = None
    responsible: bool | None = None
    role: fhir.CodeableConcept | None = None
    qualification: fhir.CodeableConcept | None = None


class Information(fhir.Element, frozen=True, kw_only=True):
    """Whatever else the payer was told, by its category."""

    sequence: int | None = None
    category: fhir.CodeableConcept = fhir.CodeableConcept()
    code: fhir.CodeableConcept | None = None
    timing_date: str | None = None
    timing_period: fhir.Period | None = None
    value_boolean: bool | None = None
    value_string: str | None = None
    value_quantity: fhir.Quantity | None = None
    value_reference: fhir.Reference | None = None
    reason: dict[str, Any] | None = None
    """A Coding in R4, where everyone expects a CodeableConcept and some write one."""

    @property
    def reason_concept(self) -> fhir.CodeableConcept | None:
        if self.reason is None:
            return None
        is_concept = "coding" in self.reason or "text" in self.reason
        told = self.reason if is_concept else {"coding": [self.reason]}
        return msgspec.convert(told, fhir.CodeableConcept)


class Insurance(fhir.Element, frozen=True, kw_only=True):
    focal: bool | None = None
    coverage: fhir.Reference | None = None


class Payee(fhir.Element, frozen=True, kw_only=True):
    type: fhir.CodeableConcept | None = None
    party: fhir.Reference | None = None


class Related(fhir.Element, frozen=True, kw_only=True):
    claim: fhir.Reference | None = None
    relationship: fhir.CodeableConcept | None = None
    reference: fhir.Identifier | None = None


class Payment(fhir.Element, frozen=True, kw_only=True):
    type: fhir.CodeableConcept | None = None
    adjustment: fhir.Money | None = None
    adjustment_reason: fhir.CodeableConcept | None = None
    amount: fhir.Money | None = None
    date: str | None = None
    identifier: fhir.Identifier | None = None


class Note(fhir.Element, frozen=True, kw_only=True):
    number: int | None = None
    type: str | None = None
    text: str | None = None


class Financial(fhir.Element, frozen=True, kw_only=True):
    type: fhir.CodeableConcept = fhir.CodeableConcept()
    allowed_money: fhir.Money | None = None
    allowed_unsigned_int: int | None = None
    used_money: fhir.Money | None = None
    used_unsigned_int: int | None = None


class BenefitBalance(fhir.Element, frozen=True, kw_only=True):
    category: fhir.CodeableConcept = fhir.CodeableConcept()
    name: str | None = None
    network: fhir.CodeableConcept | None = None
    unit: fhir.CodeableConcept | None = None
    term: fhir.CodeableConcept | None = None
    financial: tuple[Financial, ...] = ()


class PayerMeta(fhir.Meta, frozen=True):
    source: str | None = None
    profile: tuple[str, ...] = ()
