"""Prior authorizations as published: the request, the payer's answer, and the clock."""

from __future__ import annotations

import strawberry
from strawberry import federation

from subgraphs.coverage.loaders.billing import may_see_billing
from subgraphs.coverage.loaders.payers import Payers
from subgraphs.coverage.loaders.prior_authorizations import (
    load_authorizations,
    load_party,
    load_wishes,
)
from subgraphs.coverage.model.preauthorization.record import AUTHORIZATION
from subgraphs.coverage.model.preauthorization.record import PriorAuthorization as Record
from subgraphs.coverage.schema.authorization_decisions import (
    AuthorizedProvider,
    PriorAuthorizationAmount,
    PriorAuthorizationReview,
    PriorAuthorizationReviewer,
    authorized_providers,
)
from subgraphs.coverage.schema.authorization_items import PriorAuthorizationItem
from subgraphs.coverage.schema.authorization_values import (
    PriorAuthorizationAccident,
    PriorAuthorizationDiagnosis,
    PriorAuthorizationDocument,
    PriorAuthorizationError,
    PriorAuthorizationMember,
    PriorAuthorizationState,
    PriorAuthorizationUrgency,
    TraceNumber,
)
from subgraphs.coverage.schema.authorization_wishes import (
    HomeHealthCare,
    PriorAuthorizationCondition,
    RequestedInformation,
)
from subgraphs.coverage.schema.encounter import Encounter
from subgraphs.coverage.schema.whose import (
    CoverageOfFact,
    PatientOfFact,
    coverage_of,
    patient_of,
)
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Period
from subgraphs.runtime.fact_fields import facts_by_id
from subgraphs.runtime.fact_nodes import FactNode, common
from subgraphs.runtime.facts import Fact
from subgraphs.runtime.request import Request
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.scopes import scopes_for

_CLOCK = "By CMS-0057-F, which gives 72 hours to expedited and seven calendar days to standard "


@federation.type(
    keys=["id"],
    requires_scopes=scopes_for("Claim"),
    description="A provider's request that a payer agree beforehand to pay for something, and what "
    "the payer has answered. https://hl7.org/fhir/us/davinci-pas/",
)
class PriorAuthorization(FactNode):
    patient: PatientOfFact = strawberry.field(description="For whom.")
    version: str = strawberry.field(
        description="Another whenever the request or its answer has changed: for `ifMatch`."
    )
    state: PriorAuthorizationState = strawberry.field(description="Where it stands.")
    urgency: PriorAuthorizationUrgency = strawberry.field(description="How fast it is needed.")
    trace_numbers: list[TraceNumber] = strawberry.field(
        directives=[FEW], description="By which the request is traced (TRN of X12 278)."
    )
    type: CodeableConcept | None = strawberry.field(
        description="`professional`, `institutional`, `pharmacy`, `oral` or `vision`; "
        "http://terminology.hl7.org/CodeSystem/claim-type"
    )
    level_of_service: CodeableConcept | None = strawberry.field(
        description="https://codesystem.x12.org/005010/1338 (UM06): `U` urgent, `03` emergency, "
        "`E` elective."
    )
    priority: CodeableConcept | None = strawberry.field(
        description="`stat`, `normal` or `deferred`; "
        "http://terminology.hl7.org/CodeSystem/processpriority"
    )
    submitted_at: DateTime | None = strawberry.field(
        description="When the request was made; null where only the payer's answer is known."
    )
    due_at: DateTime | None = strawberry.field(
        description=_CLOCK + "requests: when the payer has to have decided, counted from "
        "`submittedAt`. A payer's own limits for drugs are shorter."
    )
    is_overdue: bool = strawberry.field(
        description="Whether `dueAt` has passed without a decision; a pended answer is none."
    )
    decided_at: DateTime | None = strawberry.field(
        description="When the payer decided; null while it has not."
    )
    decided_in_time: bool | None = strawberry.field(
        description="Whether that was by `dueAt`; null while nothing is decided."
    )
    outcome: str | None = strawberry.field(
        description="How far the payer got: `queued`, `complete`, `partial` or `error`; "
        "http://hl7.org/fhir/remittance-outcome"
    )
    disposition: str | None = strawberry.field(description="The outcome in the payer's words.")
    number: str | None = strawberry.field(
        description="The authorization's number, where one is for the whole request."
    )
    period: Period | None = strawberry.field(
        description="When the authorization is valid, where one is for the whole request."
    )
    previous_number: str | None = strawberry.field(
        description="The number of an earlier authorization of the same (REF BB)."
    )
    administration_reference: str | None = strawberry.field(
        description="The payer's number of the review, by which it is asked about it (REF NT)."
    )
    diagnoses: list[PriorAuthorizationDiagnosis] = strawberry.field(
        directives=[FEW], description="The reasons given."
    )
    documents: list[PriorAuthorizationDocument] = strawberry.field(
        directives=[FEW], description="What went along with the request."
    )
    accident: PriorAuthorizationAccident | None = strawberry.field(
        description="The accident that led to it."
    )
    items: list[PriorAuthorizationItem] = strawberry.field(
        directives=[FEW],
        description="The services requested, each with what the payer decided; what the payer "
        "added comes last.",
    )
    totals: list[PriorAuthorizationAmount] = strawberry.field(
        directives=[FEW], description="What it comes to in all, and what of it is used up."
    )
    errors: list[PriorAuthorizationError] = strawberry.field(
        directives=[FEW], description="What the payer could not work with."
    )
    notes: list[str] = strawberry.field(directives=[FEW], description="What the payer remarks.")
    review: PriorAuthorizationReview | None = strawberry.field(
        description="What the payer decided about it as a whole; null where it decided by item."
    )
    reviewer: PriorAuthorizationReviewer | None = strawberry.field(
        description="Who looked into it; null where the payer does not say."
    )
    providers: list[AuthorizedProvider] = strawberry.field(
        directives=[FEW], description="Who may give all that is certified."
    )
    conditions: list[PriorAuthorizationCondition] = strawberry.field(
        directives=[FEW], description="What it tells of the patient's condition."
    )
    home_health_care: HomeHealthCare | None = strawberry.field(
        description="Of care at home: what is expected, and from when on."
    )
    fact: strawberry.Private[Fact[Record]]

    @strawberry.field(
        description="The visit or stay that it is about, where it lies in a source of ours."
    )
    def encounter(self, info: strawberry.Info) -> Encounter | None:
        asked = self.fact.resource.request
        reference = asked.one("Claim.encounter").value_reference if asked else None
        return Encounter.at(info.context, self.fact, reference) if reference else None

    @strawberry.field(
        directives=[FEW],
        description="What the payer wants to know besides before it decides. All requests of an "
        "operation are one question to the payer.",
    )
    async def requested_information(
        self, info: strawberry.Info
    ) -> list[RequestedInformation] | None:
        wishes = await load_wishes(info.context, self.fact)
        return [RequestedInformation.of(each) for each in wishes]

    @strawberry.field(description="The coverage that is to pay, if the caller may see it.")
    async def coverage(self, info: strawberry.Info) -> CoverageOfFact | None:
        asked = self.fact.resource.request
        return await coverage_of(info.context, self.fact, asked.coverage if asked else None)

    @strawberry.field(description="Who pays, by name.")
    async def insurer(self, info: strawberry.Info) -> str | None:
        return await load_party(info.context, self.fact, self.fact.resource.either.insurer)

    @strawberry.field(description="Who asks, by name.")
    async def requestor(self, info: strawberry.Info) -> str | None:
        return await load_party(info.context, self.fact, _requestor(self.fact.resource))

    @strawberry.field(description="Who entered the request, by name.")
    async def enterer(self, info: strawberry.Info) -> str | None:
        asked = self.fact.resource.request
        return await load_party(info.context, self.fact, asked.enterer if asked else None)

    @strawberry.field(description="Where it is to be done, by name.")
    async def facility(self, info: strawberry.Info) -> str | None:
        asked = self.fact.resource.request
        return await load_party(info.context, self.fact, asked.facility if asked else None)

    @strawberry.field(directives=[FEW], description="Who takes part in the care asked for.")
    async def care_team(self, info: strawberry.Info) -> list[PriorAuthorizationMember]:
        asked = self.fact.resource.request
        return [
            PriorAuthorizationMember(
                sequence=each.sequence,
                name=await load_party(info.context, self.fact, each.provider),
                role=CodeableConcept.of(each.role),
                qualification=CodeableConcept.of(each.qualification),
                of_whole_request=each.one("careTeamClaimScope").value_boolean,
            )
            for each in (asked.care_team if asked else ())
        ]

    @classmethod
    def of(cls, request: Request[Payers], fact: Fact[Record]) -> PriorAuthorization:
        record = fact.resource
        asked, told = record.request, record.answer
        level = asked.one("levelOfServiceCode").value_codeable_concept if asked else None
        return cls(
            **common(fact),
            patient=patient_of(fact),
            version=record.version,
            state=PriorAuthorizationState[record.state.name],
            urgency=(
                PriorAuthorizationUrgency.EXPEDITED
                if record.is_expedited
                else PriorAuthorizationUrgency.STANDARD
            ),
            trace_numbers=_trace_numbers(record),
            type=CodeableConcept.of(record.either.type),
            level_of_service=CodeableConcept.of(level),
            priority=CodeableConcept.of(asked.priority) if asked else None,
            submitted_at=date_time(record.submitted),
            due_at=date_time(record.due_at),
            is_overdue=record.is_overdue(request.subgraph.now()),
            decided_at=date_time(record.decided),
            decided_in_time=record.was_in_time,
            outcome=told.outcome if told else None,
            disposition=told.disposition if told else None,
            number=told.reference_number if told else None,
            period=Period.of(told.period) if told else None,
            previous_number=_number(record, "authorizationNumber"),
            administration_reference=_number(record, "administrationReferenceNumber"),
            diagnoses=[
                PriorAuthorizationDiagnosis.of(d) for d in (asked.diagnosis if asked else ())
            ],
            documents=[
                PriorAuthorizationDocument.of(d) for d in (asked.supporting_info if asked else ())
            ],
            accident=PriorAuthorizationAccident.of(asked.accident) if asked else None,
            items=[PriorAuthorizationItem.of(request, fact, item) for item in record.items],
            totals=PriorAuthorizationAmount.all_of(
                told.total if told else (), amounts=may_see_billing(request, fact)
            ),
            errors=[PriorAuthorizationError.of(each) for each in (told.error if told else ())],
            notes=[n.text for n in (told.process_note if told else ()) if n.text],
            review=PriorAuthorizationReview.of(record.review),
            reviewer=(
                PriorAuthorizationReviewer.of(told.one("claimResponseReviewer")) if told else None
            ),
            providers=authorized_providers(told, fact) if told else [],
            conditions=[
                PriorAuthorizationCondition.of(each)
                for each in (asked.all("conditionCode") if asked else ())
            ],
            home_health_care=(
                HomeHealthCare.of(asked.one("homeHealthCareInformation")) if asked else None
            ),
        )

    resolve_references = facts_by_id(AUTHORIZATION, load_authorizations)


def _requestor(record: Record) -> fhir.Reference | None:
    asked, told = record.request, record.answer
    return (asked.provider if asked else None) or (told.requestor if told else None)


def _trace_numbers(record: Record) -> list[TraceNumber]:
    """The payer repeats the provider's, and may add its own."""
    parts = (part for part in (record.request, record.answer) if part)
    found = {(each.system, each.value): each for part in parts for each in part.identifier}
    return [TraceNumber.of(each) for each in found.values()]


def _number(record: Record, name: str) -> str | None:
    parts = (part for part in (record.answer, record.request) if part)
    found = (part.one(name).value_string for part in parts)
    return next((number for number in found if number), None)
