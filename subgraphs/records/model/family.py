"""What runs in a patient's family. https://hl7.org/fhir/R4/familymemberhistory.html"""

from __future__ import annotations

from subgraphs.runtime.fhir import (
    Annotation,
    CodeableConcept,
    Element,
    Extension,
    Period,
    Quantity,
    Range,
    Reference,
    Referring,
)

_RECORDER = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-familymemberhistory-recorder"


class FamilyCondition(Element, frozen=True):
    code: CodeableConcept | None = None
    outcome: CodeableConcept | None = None
    contributed_to_death: bool | None = None
    onset_age: Quantity | None = None
    onset_range: Range | None = None
    onset_period: Period | None = None
    onset_string: str | None = None
    note: tuple[Annotation, ...] = ()


class FamilyMemberHistory(Referring, frozen=True, kw_only=True):
    """https://hl7.org/fhir/us/core/StructureDefinition-us-core-familymemberhistory.html"""

    extension: tuple[Extension, ...] = ()
    status: str | None = None
    patient: Reference | None = None
    date: str | None = None
    name: str | None = None
    relationship: CodeableConcept | None = None
    sex: CodeableConcept | None = None
    born_date: str | None = None
    born_period: Period | None = None
    born_string: str | None = None
    age_age: Quantity | None = None
    age_string: str | None = None
    deceased_boolean: bool | None = None
    deceased_age: Quantity | None = None
    deceased_date: str | None = None
    deceased_string: str | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()
    condition: tuple[FamilyCondition, ...] = ()

    @property
    def owner(self) -> Reference | None:
        return self.patient

    @property
    def recorder(self) -> Reference | None:
        said = (each.value_reference for each in self.extension if each.url == _RECORDER)
        return next(said, None)

    @property
    def born(self) -> str | None:
        return self.born_date or (self.born_period.start if self.born_period else None)

    @property
    def is_deceased(self) -> bool | None:
        told = (self.deceased_age, self.deceased_date, self.deceased_string)
        return True if any(told) else self.deceased_boolean
