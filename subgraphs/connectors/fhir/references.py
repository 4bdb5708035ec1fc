"""Which of the asked keys a resource belongs to, read from the resource itself.

An upstream is not trusted to have searched as asked: what it returns is attributed by the
resource's own reference. The paths are those of the search parameters' FHIRPath expressions.
https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from subgraphs.connectors.fhir.search import Resource

Rows: TypeAlias = dict[str, list[Resource]]

# `patient` stands for `subject` in most types; these say it in another way.
_BY_PATIENT = (
    "AllergyIntolerance BodyStructure Claim ClaimResponse Consent "
    "CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device "
    "EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Immunization "
    "ImmunizationEvaluation ImmunizationRecommendation MolecularSequence "
    "NutritionOrder RelatedPerson SupplyDelivery VisionPrescription"
)
_PATIENT_PATHS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_BY_PATIENT.split(), ("patient",)),
    "Appointment": ("participant", "actor"),
    "AppointmentResponse": ("actor",),
    "Coverage": ("beneficiary",),
    "EnrollmentRequest": ("candidate",),
    "Person": ("link", "target"),
    "Provenance": ("target",),
    "ResearchSubject": ("individual",),
    "Task": ("for",),
}
_PATHS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Appointment", "practitioner"): ("participant", "actor"),
    ("Appointment", "actor"): ("participant", "actor"),
    ("Appointment", "location"): ("participant", "actor"),
    ("DocumentReference", "encounter"): ("context", "encounter"),
    ("ExplanationOfBenefit", "coverage"): ("insurance", "coverage"),
    ("ExplanationOfBenefit", "encounter"): ("item", "encounter"),
    ("Encounter", "practitioner"): ("participant", "individual"),
}
_TARGETS: Mapping[str, str] = {"subject": "Patient", "beneficiary": "Patient"}
_BARE = frozenset({"_id", "identifier"})
"""Parameters whose keys refer to nothing."""


class Question:
    """Resources of a type, asked by the keys of one search parameter.

    A key is a logical id, which stands for the type the parameter points to (`patient` → Patient),
    or `Type/id`; one of `identifier` is `system|value`. A parameter without a path here is taken
    for the element of that name. An absolute reference counts only below `base`, the server's URL.
    """

    def __init__(self, resource_type: str, param: str, keys: Iterable[str], base: str) -> None:
        self.resource_type = resource_type
        self.param = param
        self.keys = tuple(dict.fromkeys(keys))
        self._base = base.rstrip("/") + "/"
        target = _TARGETS.get(param, param.capitalize())
        bare = param in _BARE
        self._asked = {key if bare or "/" in key else f"{target}/{key}": key for key in self.keys}

    @property
    def name(self) -> tuple[str, str]:
        return self.resource_type, self.param

    def chunks(self, size: int) -> list[Question]:
        starts = range(0, len(self.keys), size)
        return [self._of(self.keys[start : start + size]) for start in starts]

    def without(self, answered: Container[str]) -> Question:
        return self._of(key for key in self.keys if key not in answered)

    def group(self, rows: Iterable[Resource]) -> Rows:
        """Rows under the keys they belong to, each once; what belongs to none is dropped."""
        grouped: dict[str, dict[str, Resource]] = {key: {} for key in self.keys}
        for row in rows:
            id_ = row.get("id")
            if isinstance(id_, str) and row.get("resourceType") == self.resource_type:
                for key in self._keys_of(row):
                    grouped[key].setdefault(id_, row)
        return {key: list(found.values()) for key, found in grouped.items()}

    def _of(self, keys: Iterable[str]) -> Question:
        return Question(self.resource_type, self.param, keys, self._base)

    def _keys_of(self, resource: Resource) -> set[str]:
        """More than one, for example, for an appointment of two patients."""
        if self.param == "_id":
            found: Iterable[Any] = (resource.get("id"),)
        elif self.param == "identifier":
            found = map(_token, _walk(resource, ("identifier",)))
        else:
            found = (self._reference(element) for element in _walk(resource, self._path()))
        return {self._asked[reference] for reference in found if reference in self._asked}

    def _path(self) -> tuple[str, ...]:
        if self.param == "patient":
            return _PATIENT_PATHS.get(self.resource_type, ("subject",))
        return _PATHS.get((self.resource_type, self.param), (self.param,))

    def _reference(self, element: Any) -> str | None:
        reference = element.get("reference") if isinstance(element, dict) else None
        if not isinstance(reference, str):
            return None
        return reference.removeprefix(self._base).partition("/_history/")[0]


def _token(identifier: Any) -> str | None:
    if not isinstance(identifier, dict):
        return None
    return f"{identifier.get('system', '')}|{identifier.get('value', '')}"


def _walk(element: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(element, list):
        for item in element:
            yield from _walk(item, path)
    elif not path:
        yield element
    elif isinstance(element, dict) and path[0] in element:
        yield from _walk(element[path[0]], path[1:])
