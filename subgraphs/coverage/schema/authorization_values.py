"""What a request for prior authorization consists of: numbers, diagnoses, documents, people."""

from __future__ import annotations

from enum import Enum
from typing import Final

import strawberry

from subgraphs.coverage.model.preauthorization.extensions import Identifier
from subgraphs.coverage.model.preauthorization.wire import (
    Accident,
    AnswerError,
    RequestDiagnosis,
    SupportingInfo,
)
from subgraphs.runtime.datatypes import FEW, CodeableConcept, Period, date
from subgraphs.runtime.scalars import Date

CHANGE: Final = (
    "What became of it since the version before: `added` or `changed`; null where nothing did."
)


@strawberry.enum(description="Where a request for prior authorization stands.")
class PriorAuthorizationState(Enum):
    SUBMITTED = strawberry.enum_value("submitted", description="The payer has not answered yet.")
    PENDED = strawberry.enum_value(
        "pended", description="The payer has answered that it will decide later: A4."
    )
    CERTIFIED = strawberry.enum_value(
        "certified", description="Everything is certified as requested: A1."
    )
    PARTIAL = strawberry.enum_value(
        "partial", description="Some of it is certified, and some is not: A2, or A1 beside A3."
    )
    MODIFIED = strawberry.enum_value(
        "modified", description="Something else is certified than was requested: A6."
    )
    DENIED = strawberry.enum_value("denied", description="Nothing is certified: A3.")
    WITHDRAWN = strawberry.enum_value(
        "withdrawn", description="The provider has withdrawn the request."
    )
    REJECTED = strawberry.enum_value(
        "rejected", description="The payer could not work on the request: see `errors`."
    )
    UNCLEAR = strawberry.enum_value(
        "unclear", description="The payer's answer says none of these: it has to be asked."
    )


@strawberry.enum(description="How fast a decision is needed.")
class PriorAuthorizationUrgency(Enum):
    STANDARD = strawberry.enum_value(
        "standard", description="To be decided within seven calendar days."
    )
    EXPEDITED = strawberry.enum_value(
        "expedited",
        description="To be decided within 72 hours: waiting could harm the patient. In FHIR, the "
        "level of service `U` (urgent) or `03` (emergency) of X12 1338, or the priority `stat`.",
    )


@strawberry.type(description="A number by which a request or an item is traced (TRN of X12 278).")
class TraceNumber:
    system: str | None = strawberry.field(description="Whose numbers these are: a URI.")
    value: str | None = strawberry.field(description="The number.")
    assigner: str | None = strawberry.field(description="Who gave it, by name or number.")
    sub_department: str | None = strawberry.field(description="Which part of them.")
    jurisdiction: CodeableConcept | None = strawberry.field(
        description="Where it is valid, for example a state: https://www.usps.com/"
    )

    @classmethod
    def of(cls, wire: Identifier) -> TraceNumber:
        by = wire.assigner
        own = by.identifier if by else None
        return cls(
            system=wire.system,
            value=wire.value,
            assigner=(by.display if by else None) or (own.value if own else None),
            sub_department=wire.one("identifierSubDepartment").value_string,
            jurisdiction=CodeableConcept.of(
                wire.one("identifierJurisdiction").value_codeable_concept
            ),
        )


@strawberry.type(description="A diagnosis that a request gives as its reason.")
class PriorAuthorizationDiagnosis:
    sequence: int = strawberry.field(description="Its number within the request.")
    code: CodeableConcept | None = strawberry.field(
        description="What it is; as a rule http://hl7.org/fhir/sid/icd-10-cm"
    )
    types: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="`principal`, `admitting`, …; "
        "http://terminology.hl7.org/CodeSystem/ex-diagnosistype",
    )
    recorded_on: Date | None = strawberry.field(description="When it was recorded.")

    @classmethod
    def of(cls, wire: RequestDiagnosis) -> PriorAuthorizationDiagnosis:
        return cls(
            sequence=wire.sequence,
            code=CodeableConcept.of(wire.diagnosis_codeable_concept),
            types=CodeableConcept.all_of(wire.type),
            recorded_on=date(wire.one("diagnosisRecordedDate").value_date),
        )


@strawberry.type(
    description="What goes along with a request: the dates of an event or a stay, a message, a "
    "document."
)
class PriorAuthorizationDocument:
    sequence: int = strawberry.field(description="Its number within the request.")
    category: CodeableConcept | None = strawberry.field(
        description="`patientEvent`, `admissionDates`, `dischargeDates`, `additionalInformation` "
        "or `freeFormMessage`; http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes"
    )
    code: CodeableConcept | None = strawberry.field(description="What exactly.")
    timing: Period | None = strawberry.field(description="When, of an event or a stay.")
    message: str | None = strawberry.field(description="To the payer, in words.")
    resource_type: str | None = strawberry.field(
        description="Of what is attached: `DocumentReference`, `QuestionnaireResponse`, …"
    )
    title: str | None = strawberry.field(description="Of what is attached, as the request says it.")
    report_type: CodeableConcept | None = strawberry.field(
        description="The kind of report: https://codesystem.x12.org/005010/755 (PWK01)"
    )
    transmission: CodeableConcept | None = strawberry.field(
        description="How it is sent: https://codesystem.x12.org/005010/756 (PWK02)"
    )
    control_number: str | None = strawberry.field(description="By which the two are matched.")
    change: str | None = strawberry.field(description=CHANGE)
    is_cancelled: bool = strawberry.field(description="Whether it is taken back.")

    @classmethod
    def of(cls, wire: SupportingInfo) -> PriorAuthorizationDocument:
        told = wire.one("documentInformation")
        attached = wire.value_reference
        return cls(
            sequence=wire.sequence,
            category=CodeableConcept.of(wire.category),
            code=CodeableConcept.of(wire.code),
            timing=Period.of(wire.timing),
            message=wire.value_string,
            resource_type=attached.resource_type if attached else None,
            title=told.one("description").value_string or (attached.display if attached else None),
            report_type=CodeableConcept.of(told.one("reportTypeCode").value_codeable_concept),
            transmission=CodeableConcept.of(told.one("transmissionMethod").value_codeable_concept),
            control_number=told.one("controlNumber").value_string,
            change=wire.one("infoChanged").value_code,
            is_cancelled=wire.is_cancelled,
        )


@strawberry.type(description="Someone who takes part in the care that is asked for.")
class PriorAuthorizationMember:
    sequence: int = strawberry.field(description="Their number within the request.")
    name: str | None = strawberry.field(description="Their name.")
    role: CodeableConcept | None = strawberry.field(
        description="As what: https://codesystem.x12.org/005010/98"
    )
    qualification: CodeableConcept | None = strawberry.field(description="Their specialty.")
    of_whole_request: bool | None = strawberry.field(
        description="Whether they belong to all items, or to those that name them."
    )


@strawberry.type(description="The accident that led to the request.")
class PriorAuthorizationAccident:
    date: Date | None = strawberry.field(description="When it happened.")
    type: CodeableConcept | None = strawberry.field(
        description="Which kind: https://codesystem.x12.org/005010/1362"
    )
    state: str | None = strawberry.field(description="In which state it happened.")
    country: str | None = strawberry.field(description="In which country.")

    @classmethod
    def of(cls, wire: Accident | None) -> PriorAuthorizationAccident | None:
        if wire is None:
            return None
        where = wire.location_address
        return cls(
            date=date(wire.date),
            type=CodeableConcept.of(wire.type),
            state=where.state if where else None,
            country=where.country if where else None,
        )


@strawberry.type(description="What a payer could not work with.")
class PriorAuthorizationError:
    code: CodeableConcept | None = strawberry.field(
        description="Why: https://codesystem.x12.org/005010/901 (AAA03)"
    )
    follow_up: CodeableConcept | None = strawberry.field(
        description="What to do: https://codesystem.x12.org/005010/889 (AAA04), for example `C` "
        "correct it and send it again, `N` do not."
    )
    item_sequence: int | None = strawberry.field(description="Of which item.")
    element: str | None = strawberry.field(description="In X12, for example `2010A-NM103`.")
    path: str | None = strawberry.field(description="In FHIR: a FHIRPath from the Bundle.")

    @classmethod
    def of(cls, wire: AnswerError) -> PriorAuthorizationError:
        return cls(
            code=CodeableConcept.of(wire.code),
            follow_up=CodeableConcept.of(wire.one("errorFollowupAction").value_codeable_concept),
            item_sequence=wire.item_sequence,
            element=wire.one("errorElement").one("error").value_string,
            path=wire.one("errorPath").value_string,
        )
