"""The items of a prior authorization: what is requested, for which order, and what came of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import strawberry

from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.loaders.prior_authorizations import ORDERED, place_of
from subgraphs.coverage.model.preauthorization.extensions import Extensible
from subgraphs.coverage.model.preauthorization.record import Item, PriorAuthorization
from subgraphs.coverage.model.preauthorization.wire import RequestItem
from subgraphs.coverage.schema.authorization_decisions import PriorAuthorizationDecision
from subgraphs.coverage.schema.authorization_values import CHANGE, TraceNumber
from subgraphs.coverage.schema.orders import MedicationRequest
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Money, Period, Quantity
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request


@strawberry.type(description="The order that a service carries out.")
class PriorAuthorizationOrder:
    resource_type: str | None = strawberry.field(
        description="`MedicationRequest`, `ServiceRequest`, `DeviceRequest` or `NutritionOrder`."
    )
    title: str | None = strawberry.field(description="In the words of the request.")
    medication_request: MedicationRequest | None = strawberry.field(
        description="The prescription, where it lies in a source of ours."
    )

    @classmethod
    def of(
        cls, request: Request[Payers], fact: Fact[PriorAuthorization], reference: fhir.Reference
    ) -> PriorAuthorizationOrder:
        at = place_of(request.services.bases, reference, ORDERED)
        return cls(
            resource_type=reference.resource_type,
            title=reference.display,
            medication_request=MedicationRequest.at(request, fact.compartment, at) if at else None,
        )


@strawberry.type(description="One service that is requested, and what came of it.")
class PriorAuthorizationItem:
    sequence: int = strawberry.field(description="Its number within the request.")
    is_added: bool = strawberry.field(
        description="Whether the payer added it: then it was never requested."
    )
    is_cancelled: bool = strawberry.field(description="Whether the provider took it back.")
    change: str | None = strawberry.field(description=CHANGE)
    trace_numbers: list[TraceNumber] = strawberry.field(
        directives=[FEW], description="By which it is traced."
    )
    service: CodeableConcept | None = strawberry.field(
        description="What is requested: HCPCS, CPT, RxNorm, NDC, ICD-10-PCS, …"
    )
    service_end: CodeableConcept | None = strawberry.field(
        description="The last of a range of services that begins with `service`."
    )
    category: CodeableConcept | None = strawberry.field(
        description="The type of service: https://codesystem.x12.org/005010/1365 (UM03)"
    )
    revenue: CodeableConcept | None = strawberry.field(description="The revenue code (NUBC).")
    modifiers: list[CodeableConcept] = strawberry.field(directives=[FEW], description="How.")
    serviced: Period | None = strawberry.field(description="When it is to be done or given.")
    place: CodeableConcept | None = strawberry.field(
        description="Where: as a rule a place of service code of CMS."
    )
    quantity: Quantity | None = strawberry.field(description="How much of it.")
    unit_price: Money | None = strawberry.field(
        description="For how much each: for billing and the patient; null for everyone else."
    )
    rate_limit: Decimal | None = strawberry.field(
        description="The most per unit of revenue, in US dollars: as `unitPrice`."
    )
    request_type: CodeableConcept | None = strawberry.field(
        description="https://codesystem.x12.org/005010/1525 (UM01): `HS` health services, `SC` "
        "specialty care, `AR` admission."
    )
    certification_type: CodeableConcept | None = strawberry.field(
        description="https://codesystem.x12.org/005010/1322 (UM02): `I` initial, `R` renewal, "
        "`S` revised, `3` cancel."
    )
    is_epsdt: bool | None = strawberry.field(
        description="Whether it is part of the early screening and treatment of children (EPSDT)."
    )
    nursing_home_status: CodeableConcept | None = strawberry.field(
        description="Of a nursing home's resident: https://codesystem.x12.org/005010/1345"
    )
    nursing_home_level: CodeableConcept | None = strawberry.field(
        description="The level of care there: https://codesystem.x12.org/005010/1337"
    )
    authorization_number: str | None = strawberry.field(
        description="Of an earlier authorization that the request refers to (REF BB)."
    )
    administration_reference: str | None = strawberry.field(
        description="Of an earlier review that the request refers to (REF NT)."
    )
    diagnosis_sequences: list[int] = strawberry.field(
        directives=[FEW], description="`diagnoses` it is for, by their numbers."
    )
    member_sequences: list[int] = strawberry.field(
        directives=[FEW], description="`careTeam` that takes part in it, by their numbers."
    )
    document_sequences: list[int] = strawberry.field(
        directives=[FEW], description="`documents` that go with it, by their numbers."
    )
    order: PriorAuthorizationOrder | None = strawberry.field(
        description="The order it carries out."
    )
    decision: PriorAuthorizationDecision | None = strawberry.field(
        description="What the payer decided about it; null while it has not answered."
    )

    @classmethod
    def of(
        cls, request: Request[Payers], fact: Fact[PriorAuthorization], item: Item
    ) -> PriorAuthorizationItem:
        amounts = may_see_billing(request, fact)
        asked = item.asked or _NOTHING
        reference = asked.one("requestedService").value_reference
        return cls(
            sequence=item.sequence,
            is_added=item.is_added,
            is_cancelled=item.is_cancelled,
            change=asked.one("infoChanged").value_code,
            trace_numbers=_trace_numbers(item),
            service=CodeableConcept.of(asked.product_or_service),
            service_end=_concept(asked, "productOrServiceCodeEnd"),
            category=CodeableConcept.of(asked.category),
            revenue=CodeableConcept.of(asked.revenue),
            modifiers=CodeableConcept.all_of(asked.modifier),
            serviced=Period.of(asked.serviced),
            place=CodeableConcept.of(asked.location_codeable_concept),
            quantity=Quantity.of(asked.quantity),
            unit_price=Money.of(asked.unit_price) if amounts else None,
            rate_limit=asked.one("revenueUnitRateLimit").value_decimal if amounts else None,
            request_type=_concept(asked, "serviceItemRequestType"),
            certification_type=_concept(asked, "certificationType"),
            is_epsdt=asked.one("epsdtIndicator").value_boolean,
            nursing_home_status=_concept(asked, "nursingHomeResidentialStatus"),
            nursing_home_level=_concept(asked, "nursingHomeLevelOfCare"),
            authorization_number=asked.one("authorizationNumber").value_string,
            administration_reference=asked.one("administrationReferenceNumber").value_string,
            diagnosis_sequences=list(asked.diagnosis_sequence),
            member_sequences=list(asked.care_team_sequence),
            document_sequences=list(asked.information_sequence),
            order=PriorAuthorizationOrder.of(request, fact, reference) if reference else None,
            decision=PriorAuthorizationDecision.of(item, fact, amounts=amounts),
        )


def _trace_numbers(item: Item) -> list[TraceNumber]:
    """The payer repeats the provider's, and may add its own."""
    found = {
        (each.value_identifier.system, each.value_identifier.value): each.value_identifier
        for part in (item.request, item.answer)
        if part is not None
        for each in part.all("itemTraceNumber")
        if each.value_identifier is not None
    }
    return [TraceNumber.of(each) for each in found.values()]


def _concept(wire: Extensible, name: str) -> CodeableConcept | None:
    return CodeableConcept.of(wire.one(name).value_codeable_concept)


_NOTHING: Final = RequestItem(sequence=0)
