"""What all resources of a payer have, and those that only name somebody."""

from __future__ import annotations

from collections.abc import Iterable

from subgraphs.coverage.model.explanation_parts import Information
from subgraphs.runtime import fhir
from subgraphs.runtime.scalars import rank


class PayerResource(fhir.Resource, frozen=True, kw_only=True):
    contained: tuple[fhir.Contained, ...] = ()

    def contained_name(self, reference: fhir.Reference) -> str | None:
        """The name of whom a reference such as `#payer` means."""
        within = (each for each in self.contained if f"#{each.id}" == reference.reference)
        return next((each.full_name for each in within), None)


class Coded(fhir.Element, frozen=True, kw_only=True):
    """Further information on a claim: what it is about, and what it says."""

    sequence: int | None = None
    category: fhir.CodeableConcept = fhir.CodeableConcept()
    code: fhir.CodeableConcept | None = None
    value_string: str | None = None


def accounts_told(information: Iterable[Coded | Information]) -> tuple[str, ...]:
    """The provider's numbers of a claim, where CARIN keeps them."""
    told = (
        each.value_string or (each.code and (each.code.text or each.code.code))
        for each in information
        if each.category.code == "patientaccountnumber"
    )
    return tuple(number for number in told if number)


class Organization(fhir.Resource, frozen=True, kw_only=True):
    name: str | None = None
    identifier: tuple[fhir.Identifier, ...] = ()


class Member(fhir.Resource, frozen=True, kw_only=True):
    """A payer's Patient: what it wants to be told to recognise a member."""

    name: tuple[fhir.HumanName, ...] = ()
    birth_date: str | None = None


def start(period: fhir.Period | None) -> str:
    """A text that sorts by when a period begins."""
    return rank(period.start if period else None)
