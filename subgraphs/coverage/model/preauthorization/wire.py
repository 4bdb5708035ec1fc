"""A request for prior authorization and the payer's answer, as they come over the wire.

A request is a Claim whose `use` is preauthorization, its answer a ClaimResponse (Da Vinci PAS). An
ExplanationOfBenefit of that use (Da Vinci PDex) is both at once, and is read as either.
https://hl7.org/fhir/us/davinci-pas/, https://hl7.org/fhir/us/davinci-pdex/
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from subgraphs.coverage.model.payers import PayerResource
from subgraphs.coverage.model.preauthorization.extensions import (
    Extended,
    Extensible,
    Extension,
    Identifier,
)
from subgraphs.runtime import fhir

PREAUTHORIZATION: Final = "preauthorization"


class CareTeamMember(Extended, frozen=True, kw_only=True):
    sequence: int
    provider: fhir.Reference | None = None
    role: fhir.CodeableConcept | None = None
    qualification: fhir.CodeableConcept | None = None


class SupportingInfo(Extended, frozen=True, kw_only=True):
    """What goes along with a request: dates, a message, a document."""

    sequence: int
    category: fhir.CodeableConcept | None = None
    code: fhir.CodeableConcept | None = None
    timing_date: str | None = None
    timing_period: fhir.Period | None = None
    value_string: str | None = None
    value_reference: fhir.Reference | None = None

    @property
    def timing(self) -> fhir.Period | None:
        day = self.timing_date
        return self.timing_period or (fhir.Period(day, day) if day else None)


class RequestDiagnosis(Extended, frozen=True, kw_only=True):
    sequence: int
    diagnosis_codeable_concept: fhir.CodeableConcept | None = None
    type: tuple[fhir.CodeableConcept, ...] = ()


class Insurance(fhir.Element, frozen=True):
    focal: bool | None = None
    coverage: fhir.Reference | None = None


class Accident(fhir.Element, frozen=True):
    date: str | None = None
    type: fhir.CodeableConcept | None = None
    location_address: fhir.Address | None = None


class RequestItem(Extended, frozen=True, kw_only=True):
    sequence: int
    care_team_sequence: tuple[int, ...] = ()
    diagnosis_sequence: tuple[int, ...] = ()
    information_sequence: tuple[int, ...] = ()
    revenue: fhir.CodeableConcept | None = None
    category: fhir.CodeableConcept | None = None
    product_or_service: fhir.CodeableConcept | None = None
    modifier: tuple[fhir.CodeableConcept, ...] = ()
    serviced_date: str | None = None
    serviced_period: fhir.Period | None = None
    location_codeable_concept: fhir.CodeableConcept | None = None
    quantity: fhir.Quantity | None = None
    unit_price: fhir.Money | None = None

    @property
    def serviced(self) -> fhir.Period | None:
        day = self.serviced_date
        return self.serviced_period or (fhir.Period(day, day) if day else None)


class Related(fhir.Element, frozen=True):
    claim: fhir.Reference | None = None


class RequestResource(PayerResource, Extensible, frozen=True, kw_only=True):
    extension: tuple[Extension, ...] = ()
    identifier: tuple[Identifier, ...] = ()
    status: str | None = None
    type: fhir.CodeableConcept | None = None
    use: str | None = None
    patient: fhir.Reference | None = None
    created: str | None = None
    insurer: fhir.Reference | None = None
    provider: fhir.Reference | None = None
    enterer: fhir.Reference | None = None
    facility: fhir.Reference | None = None
    priority: fhir.CodeableConcept | None = None
    related: tuple[Related, ...] = ()
    prescription: fhir.Reference | None = None
    care_team: tuple[CareTeamMember, ...] = ()
    supporting_info: tuple[SupportingInfo, ...] = ()
    diagnosis: tuple[RequestDiagnosis, ...] = ()
    insurance: tuple[Insurance, ...] = ()
    accident: Accident | None = None
    item: tuple[RequestItem, ...] = ()

    @property
    def owner(self) -> fhir.Reference | None:
        return self.patient

    @property
    def coverage(self) -> fhir.Reference | None:
        """Of the insurance that is to pay; the first, where none is said to be it."""
        focal = sorted(self.insurance, key=lambda each: not each.focal)
        return focal[0].coverage if focal else None


class Adjudication(Extended, frozen=True, kw_only=True):
    """A decision in its extensions, or an amount, or a total of them."""

    category: fhir.CodeableConcept | None = None
    reason: fhir.CodeableConcept | None = None
    amount: fhir.Money | None = None
    value: Decimal | None = None


class ProviderReference(Extended, frozen=True, kw_only=True):
    reference: str | None = None
    display: str | None = None

    @property
    def plain(self) -> fhir.Reference:
        return fhir.Reference(self.reference, display=self.display)


class AnswerItem(Extended, frozen=True, kw_only=True):
    """One of the request's items; `sequence` is an ExplanationOfBenefit's word for it."""

    item_sequence: int | tuple[int, ...] = ()
    """An added item names all those it is about."""
    sequence: int | None = None
    adjudication: tuple[Adjudication, ...] = ()
    note_number: tuple[int, ...] = ()
    provider: tuple[ProviderReference, ...] = ()
    product_or_service: fhir.CodeableConcept | None = None
    modifier: tuple[fhir.CodeableConcept, ...] = ()
    serviced_date: str | None = None
    serviced_period: fhir.Period | None = None
    location_codeable_concept: fhir.CodeableConcept | None = None
    quantity: fhir.Quantity | None = None
    unit_price: fhir.Money | None = None

    @property
    def as_request(self) -> RequestItem:
        """What an item that the payer added would have looked like, had it been asked for."""
        return RequestItem(
            extension=self.extension,
            sequence=next(iter(self.numbers), 0),
            revenue=self.one("revenueCode").value_codeable_concept,
            category=self.one("itemCategory").value_codeable_concept,
            product_or_service=self.product_or_service,
            modifier=self.modifier,
            serviced_date=self.serviced_date,
            serviced_period=self.serviced_period,
            location_codeable_concept=self.location_codeable_concept,
            quantity=self.quantity,
            unit_price=self.unit_price,
        )

    @property
    def numbers(self) -> tuple[int, ...]:
        if self.sequence is not None:
            return (self.sequence,)
        several = self.item_sequence
        return several if isinstance(several, tuple) else (several,)


class ProcessNote(fhir.Element, frozen=True):
    number: int | None = None
    text: str | None = None


class AnswerError(Extended, frozen=True, kw_only=True):
    item_sequence: int | None = None
    code: fhir.CodeableConcept | None = None


class AnswerResource(PayerResource, Extensible, frozen=True, kw_only=True):
    extension: tuple[Extension, ...] = ()
    identifier: tuple[Identifier, ...] = ()
    status: str | None = None
    type: fhir.CodeableConcept | None = None
    use: str | None = None
    patient: fhir.Reference | None = None
    created: str | None = None
    insurer: fhir.Reference | None = None
    requestor: fhir.Reference | None = None
    request: fhir.Reference | None = None
    claim: fhir.Reference | None = None
    """An ExplanationOfBenefit's word for `request`."""
    outcome: str | None = None
    disposition: str | None = None
    pre_auth_ref: str | tuple[str, ...] | None = None
    """An ExplanationOfBenefit may have several."""
    pre_auth_period: fhir.Period | None = None
    pre_auth_ref_period: tuple[fhir.Period, ...] = ()
    item: tuple[AnswerItem, ...] = ()
    add_item: tuple[AnswerItem, ...] = ()
    adjudication: tuple[Adjudication, ...] = ()
    total: tuple[Adjudication, ...] = ()
    process_note: tuple[ProcessNote, ...] = ()
    communication_request: tuple[fhir.Reference, ...] = ()
    error: tuple[AnswerError, ...] = ()

    @property
    def owner(self) -> fhir.Reference | None:
        return self.patient

    @property
    def claim_id(self) -> str | None:
        """The id of the request it answers, at the same server."""
        about = self.request or self.claim
        return about.id_of("Claim") if about else None

    @property
    def reference_number(self) -> str | None:
        several = self.pre_auth_ref
        return several if several is None or isinstance(several, str) else next(iter(several), None)

    @property
    def period(self) -> fhir.Period | None:
        return self.pre_auth_period or next(iter(self.pre_auth_ref_period), None)
