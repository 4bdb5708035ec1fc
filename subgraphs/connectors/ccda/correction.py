"""What ccda-to-fhir 0.3 says in a way that readers of US Core take for something else."""

from __future__ import annotations

from typing import Any, Final

from subgraphs.connectors.ccda.conversion import Resource
from subgraphs.connectors.hl7v2.fhir.elements import concept, filled

_RISK: Final = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-substanceExposureRisk"
_SNOMED: Final = "http://snomed.info/sct"
_NO_KNOWN: Final = {
    "105590001": ("716186003", "No known allergy"),
    "410942007": ("409137002", "No known drug allergy"),
    "255620007": ("429625007", "No known food allergy"),
}
"""By the kind of substance that a document denies an allergy to."""
_STATUS: Final = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"


def correct(resource: Resource) -> Resource:
    match resource["resourceType"]:
        case "Condition" if "onsetPeriod" in resource:
            return _problem(resource)
        case "AllergyIntolerance" if "code" not in resource:
            return _denied(resource)
    return resource


def _problem(resource: Resource) -> Resource:
    """A problem's interval is its onset and its abatement.

    https://hl7.org/fhir/us/ccda/STU2/CF-problems.html
    """
    period = resource["onsetPeriod"]
    others = {name: value for name, value in resource.items() if name != "onsetPeriod"}
    told = filled(onsetDateTime=period.get("start"), abatementDateTime=period.get("end"))
    return {**told, **others}


def _denied(resource: Resource) -> Resource:
    """An allergy that is denied comes without a code, and its extension is easily overlooked.

    https://hl7.org/fhir/us/ccda/STU2/CF-allergies.html
    """
    substance = next(
        (
            part.get("valueCodeableConcept", {})
            for extension in resource.get("extension", ())
            if extension.get("url") == _RISK
            for part in extension.get("extension", ())
            if part.get("url") == "substance"
        ),
        None,
    )
    if substance is None:
        return resource
    others = {name: value for name, value in resource.items() if name != "extension"}
    for coding in substance.get("coding", ()):
        if coding.get("code") in _NO_KNOWN:
            code, display = _NO_KNOWN[coding["code"]]
            return {**others, "code": _named(code, display)}
    return {
        **others,
        "code": substance,
        "clinicalStatus": concept(f"{_STATUS}clinical", "inactive"),
        "verificationStatus": concept(f"{_STATUS}verification", "refuted"),
    }


def _named(code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": _SNOMED, "code": code, "display": display}], "text": display}
