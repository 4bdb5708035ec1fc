"""Values only a patient has."""

from __future__ import annotations

from enum import Enum

import strawberry

from subgraphs.runtime import fhir
from subgraphs.runtime.datatypes import CodeableConcept


@strawberry.enum(
    description="For administration, not biology. "
    "https://hl7.org/fhir/R4/valueset-administrative-gender.html"
)
class AdministrativeGender(Enum):
    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


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
