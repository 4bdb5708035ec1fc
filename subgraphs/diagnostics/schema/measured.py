"""A coded value as published; observations and their components have it in common."""

from __future__ import annotations

from typing import Self, TypedDict

import strawberry

from subgraphs.diagnostics import model
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import CodeableConcept, Period, Quantity
from subgraphs.runtime.scalars import DateTime, date_time


@strawberry.type(description="What is usual for a measurement.")
class ReferenceRange:
    low: Quantity | None = strawberry.field(description="The lower end, inclusive.")
    high: Quantity | None = strawberry.field(description="The upper end, inclusive.")
    type: CodeableConcept | None = strawberry.field(description="Normal, therapeutic, …")
    text: str | None = strawberry.field(description="The range in words.")


@strawberry.type
class MeasuredNode:
    """A coded value; observations and their components inherit it."""

    code: CodeableConcept | None = strawberry.field(description="What was measured: LOINC.")
    value_quantity: Quantity | None = strawberry.field(
        description="A measured amount: exact decimal and unit, as a rule UCUM."
    )
    value_codeable_concept: CodeableConcept | None = strawberry.field(
        description="A coded finding."
    )
    value_string: str | None = strawberry.field(description="A finding in words.")
    value_boolean: bool | None = strawberry.field(description="Yes or no.")
    value_integer: int | None = strawberry.field(description="A count or score.")
    value_low: Quantity | None = strawberry.field(description="The lower end of a range.")
    value_high: Quantity | None = strawberry.field(description="The upper end of a range.")
    value_numerator: Quantity | None = strawberry.field(description="The numerator of a ratio.")
    value_denominator: Quantity | None = strawberry.field(
        description="The denominator of a ratio, such as a titre's 128."
    )
    value_date_time: DateTime | None = strawberry.field(description="A moment.")
    value_period: Period | None = strawberry.field(description="A span of time.")
    data_absent_reason: CodeableConcept | None = strawberry.field(
        description="Why there is no value."
    )
    interpretation: list[CodeableConcept] = strawberry.field(
        description="`H` high, `L` low, `N` normal, …; "
        "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    )
    reference_range: list[ReferenceRange] = strawberry.field(description="What is usual.")


class Measured(TypedDict):
    code: CodeableConcept | None
    value_quantity: Quantity | None
    value_codeable_concept: CodeableConcept | None
    value_string: str | None
    value_boolean: bool | None
    value_integer: int | None
    value_low: Quantity | None
    value_high: Quantity | None
    value_numerator: Quantity | None
    value_denominator: Quantity | None
    value_date_time: DateTime | None
    value_period: Period | None
    data_absent_reason: CodeableConcept | None
    interpretation: list[CodeableConcept]
    reference_range: list[ReferenceRange]


def measured(wire: model.Measured) -> Measured:
    """The fields of `MeasuredNode`."""
    between, ratio = wire.value_range or fhir.Range(), wire.value_ratio or fhir.Ratio()
    return Measured(
        code=CodeableConcept.of(wire.code),
        value_quantity=Quantity.of(wire.value_quantity),
        value_codeable_concept=CodeableConcept.of(wire.value_codeable_concept),
        value_string=wire.value_string or wire.value_time,
        value_boolean=wire.value_boolean,
        value_integer=wire.value_integer,
        value_low=Quantity.of(between.low),
        value_high=Quantity.of(between.high),
        value_numerator=Quantity.of(ratio.numerator),
        value_denominator=Quantity.of(ratio.denominator),
        value_date_time=date_time(wire.value_date_time),
        value_period=Period.of(wire.value_period),
        data_absent_reason=CodeableConcept.of(wire.data_absent_reason),
        interpretation=CodeableConcept.all_of(wire.interpretation),
        reference_range=[
            ReferenceRange(
                low=Quantity.of(usual.low),
                high=Quantity.of(usual.high),
                type=CodeableConcept.of(usual.type),
                text=usual.text,
            )
            for usual in wire.reference_range
        ],
    )


@strawberry.type(
    description="A part of an observation that means nothing without the others: systolic and "
    "diastolic pressure."
)
class ObservationComponent(MeasuredNode):
    @classmethod
    def of(cls, wire: model.Component) -> Self:
        return cls(**measured(wire))
