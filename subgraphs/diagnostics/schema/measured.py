"""A coded value as published; observations and their components have it in common."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self, TypedDict

import strawberry

from subgraphs.diagnostics import model
from subgraphs.diagnostics.kinds import measured_of
from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import CodeableConcept, Period, Quantity
from subgraphs.runtime.scalars import DateTime, date_time
from subgraphs.runtime.units.quantities import normalized
from subgraphs.runtime.units.ucum import read_unit


@strawberry.type(description="What is usual for a measurement.")
class ReferenceRange:
    low: Quantity | None = strawberry.field(description="The lower end, inclusive.")
    high: Quantity | None = strawberry.field(description="The upper end, inclusive.")
    type: CodeableConcept | None = strawberry.field(description="Normal, therapeutic, …")
    text: str | None = strawberry.field(description="The range in words.")


@strawberry.enum(
    description="What is measured, whichever test, unit or code system it comes in: the results of "
    "one are one line in a chart."
)
class Analyte(Enum):
    A1C = strawberry.enum_value("a1c", description="Hemoglobin A1c, in % (NGSP).")
    LDL = strawberry.enum_value("ldl", description="LDL cholesterol, in mg/dL.")
    EGFR = strawberry.enum_value("egfr", description="Estimated GFR, in mL/min/{1.73_m2}.")
    GLUCOSE = strawberry.enum_value("glucose", description="In blood, in mg/dL.")
    CREATININE = strawberry.enum_value("creatinine", description="In serum, in mg/dL.")
    UREA_NITROGEN = strawberry.enum_value("urea-nitrogen", description="In mg/dL.")
    TOTAL_CHOLESTEROL = strawberry.enum_value("total-cholesterol", description="In mg/dL.")
    HDL = strawberry.enum_value("hdl", description="HDL cholesterol, in mg/dL.")
    TRIGLYCERIDES = strawberry.enum_value("triglycerides", description="In mg/dL.")
    HEMOGLOBIN = strawberry.enum_value("hemoglobin", description="In blood, in g/dL.")
    POTASSIUM = strawberry.enum_value("potassium", description="In mmol/L.")
    SODIUM = strawberry.enum_value("sodium", description="In mmol/L.")
    CALCIUM = strawberry.enum_value("calcium", description="In mg/dL.")
    BILIRUBIN = strawberry.enum_value("bilirubin", description="Total bilirubin, in mg/dL.")
    TSH = strawberry.enum_value("tsh", description="Thyrotropin, in m[IU]/L.")
    LEUKOCYTES = strawberry.enum_value("leukocytes", description="White cells, in 10*3/uL.")
    PLATELETS = strawberry.enum_value("platelets", description="In 10*3/uL.")
    SYSTOLIC = strawberry.enum_value("systolic", description="Blood pressure, in mm[Hg].")
    DIASTOLIC = strawberry.enum_value("diastolic", description="Blood pressure, in mm[Hg].")
    HEART_RATE = strawberry.enum_value("heart-rate", description="In /min.")
    TEMPERATURE = strawberry.enum_value("temperature", description="Of the body, in Cel.")
    WEIGHT = strawberry.enum_value("weight", description="Of the body, in kg.")
    HEIGHT = strawberry.enum_value("height", description="Of the body, in cm.")
    BMI = strawberry.enum_value("bmi", description="Body mass index, in kg/m2.")


@strawberry.type
class MeasuredNode:
    """A coded value; observations and their components inherit it."""

    code: CodeableConcept | None = strawberry.field(description="What was measured: LOINC.")
    wire: strawberry.Private[model.Measured]
    value_quantity: Quantity | None = strawberry.field(
        description="A measured amount as its source sent it: exact decimal, its unit and code."
    )

    @strawberry.field(
        description="The amount in the analyte's own unit, to draw and to compare: converted "
        "exactly, rounded once, to the decimals laboratories report. One that already is in that "
        "unit stays digit for digit. Null where a unit is not known, or of another dimension."
    )
    def normalized(
        self,
        unit: Annotated[
            str | None,
            strawberry.argument(description="Another UCUM unit to have it in: `mmol/L`."),
        ] = None,
    ) -> Quantity | None:
        if unit is not None and read_unit(unit) is None:
            return None
        found = normalized(self.wire.value_quantity, measured_of(self.wire), unit)
        return Quantity.of(found)

    @strawberry.field(description="What is measured; null for what is not drawn as a line.")
    def analyte(self) -> Analyte | None:
        analyte = measured_of(self.wire)
        return Analyte(analyte.id) if analyte else None

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
    wire: model.Measured
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
        wire=wire,
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
