"""What a payer wants to know besides before it decides, and what a request tells of the patient's
condition."""

from __future__ import annotations

import strawberry

from subgraphs.coverage.model.preauthorization.extensions import Extension
from subgraphs.coverage.model.preauthorization.wishes import Wish, WishedContent
from subgraphs.runtime.datatypes import FEW, CodeableConcept, date
from subgraphs.runtime.scalars import Date, DateTime, date_time


@strawberry.type(description="One thing that the payer asks for.")
class RequestedContent:
    text: str | None = strawberry.field(description="What, in words or by its code (LOINC).")
    item_sequence: int | None = strawberry.field(
        description="For which item; null where it is for the whole request."
    )
    diagnoses: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="About which diagnoses."
    )
    modifiers: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="What exactly, or of which time."
    )

    @classmethod
    def of(cls, wire: WishedContent) -> RequestedContent:
        diagnoses = (e.value_codeable_concept for e in wire.all("communicatedDiagnosis"))
        modifiers = (e.value_codeable_concept for e in wire.all("contentModifier"))
        return cls(
            text=wire.content_string,
            item_sequence=wire.one("serviceLineNumber").value_positive_int,
            diagnoses=CodeableConcept.all_of(each for each in diagnoses if each),
            modifiers=CodeableConcept.all_of(each for each in modifiers if each),
        )


@strawberry.type(
    description="What a payer wants to have before it decides: a CommunicationRequest of Da Vinci "
    "PAS. Sent along with a request for the same, by `documents`."
)
class RequestedInformation:
    control_number: str | None = strawberry.field(
        description="By which what is sent is matched with what was asked for."
    )
    categories: list[CodeableConcept] = strawberry.field(
        directives=[FEW],
        description="Which kinds of report: https://codesystem.x12.org/005010/755 (PWK01)",
    )
    media: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="How it is wanted: https://codesystem.x12.org/005010/756"
    )
    contents: list[RequestedContent] = strawberry.field(
        directives=[FEW], description="What it is to hold."
    )
    authored_at: DateTime | None = strawberry.field(description="When it was asked for.")

    @classmethod
    def of(cls, wire: Wish) -> RequestedInformation:
        return cls(
            control_number=next((i.value for i in wire.identifier if i.value), None),
            categories=CodeableConcept.all_of(wire.category),
            media=CodeableConcept.all_of(wire.medium),
            contents=[RequestedContent.of(each) for each in wire.payload],
            authored_at=date_time(wire.authored_on),
        )


@strawberry.type(description="What a request tells of the patient's condition (CRC of X12 278).")
class PriorAuthorizationCondition:
    category: CodeableConcept | None = strawberry.field(
        description="Of what: https://codesystem.x12.org/005010/1136 (CRC01), for example `07` "
        "ambulance, `75` functional limitations."
    )
    applies: bool | None = strawberry.field(description="Whether the codes apply (CRC02).")
    codes: list[CodeableConcept] = strawberry.field(
        directives=[FEW], description="https://codesystem.x12.org/005010/1321 (CRC03)"
    )

    @classmethod
    def of(cls, wire: Extension) -> PriorAuthorizationCondition:
        codes = (each.value_codeable_concept for each in wire.all("code"))
        return cls(
            category=CodeableConcept.of(wire.one("category").value_codeable_concept),
            applies=wire.one("indicator").value_boolean,
            codes=CodeableConcept.all_of(code for code in codes if code),
        )


@strawberry.type(description="What a request for care at home tells (CR6 of X12 278).")
class HomeHealthCare:
    prognosis: CodeableConcept | None = strawberry.field(
        description="https://codesystem.x12.org/005010/923 (CR601)"
    )
    starts_on: Date | None = strawberry.field(description="When it is to begin.")

    @classmethod
    def of(cls, wire: Extension) -> HomeHealthCare | None:
        if not wire.extension:
            return None
        return cls(
            prognosis=CodeableConcept.of(wire.one("prognosis").value_codeable_concept),
            starts_on=date(wire.one("date").value_date),
        )
