"""Values only a patient has."""

from __future__ import annotations

from enum import Enum

import strawberry

from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import CodeableConcept, Period


@strawberry.enum(
    description="For administration, not biology. "
    "https://hl7.org/fhir/R4/valueset-administrative-gender.html"
)
class AdministrativeGender(Enum):
    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@strawberry.type(description="A postal address.")
class Address:
    use: str | None = strawberry.field(description="`home`, `work`, `temp`, `old` or `billing`.")
    text: str | None = strawberry.field(description="The whole address, if given as text.")
    line: list[str] = strawberry.field(description="Street, house, apartment, post box.")
    city: str | None = strawberry.field(description="City or town.")
    state: str | None = strawberry.field(description="State or province, as a rule two letters.")
    postal_code: str | None = strawberry.field(description="ZIP or other postal code.")
    country: str | None = strawberry.field(description="Country, as a rule ISO 3166.")
    period: Period | None = strawberry.field(description="When it was or is in use.")

    @classmethod
    def of(cls, wire: fhir.Address) -> Address:
        return cls(
            use=wire.use,
            text=wire.text,
            line=[line for line in wire.line if line],
            city=wire.city,
            state=wire.state,
            postal_code=wire.postal_code,
            country=wire.country,
            period=Period.of(wire.period),
        )


@strawberry.type(description="A way to reach a person.")
class ContactPoint:
    system: str | None = strawberry.field(description="`phone`, `email`, `sms`, `fax`, …")
    value: str | None = strawberry.field(description="The number or address.")
    use: str | None = strawberry.field(description="`home`, `work`, `mobile`, `temp` or `old`.")

    @classmethod
    def of(cls, wire: fhir.ContactPoint) -> ContactPoint:
        return cls(system=wire.system, value=wire.value, use=wire.use)


@strawberry.type(description="A number a source knows the patient by, such as an MRN.")
class PatientIdentifier:
    system: str | None = strawberry.field(description="The URI of the numbering system.")
    value: str | None = strawberry.field(description="The number.")
    type: CodeableConcept | None = strawberry.field(
        description="`MR` for a medical record number, `MB` for a member number, …; "
        "http://terminology.hl7.org/CodeSystem/v2-0203"
    )
    use: str | None = strawberry.field(description="`usual`, `official`, `secondary` or `old`.")
    source: str = strawberry.field(description="The source that says so.")

    @classmethod
    def of(cls, wire: fhir.Identifier, source: str) -> PatientIdentifier:
        return cls(
            system=wire.system,
            value=wire.value,
            type=CodeableConcept.of(wire.type),
            use=wire.use,
            source=source,
        )


def gender_of(code: str | None) -> AdministrativeGender | None:
    try:
        return AdministrativeGender(code)
    except ValueError:
        return None
