"""An independent reader of Synthea bundles: facts from the files, through no code of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Facts:
    """What a summary must say of one patient."""

    id: str
    family: str
    given: str
    birth_date: str
    problems: set[str] = field(default_factory=set)
    """The codes of active conditions."""
    allergies: set[tuple[str, str]] = field(default_factory=set)
    """The codes of all allergies, each with its clinical status."""
    taken: list[tuple[str, str]] = field(default_factory=list)
    """The codes of active prescriptions, each with when it was written."""
    laboratory: dict[str, set[Any]] = field(default_factory=dict)
    """By LOINC code, the value of the latest result; more than one where several are latest."""

    @property
    def person(self) -> tuple[str, str, str]:
        return self.family, self.given, self.birth_date


def read_facts(bundle: dict[str, Any]) -> Facts:
    resources = [entry["resource"] for entry in bundle["entry"]]
    of_type = lambda type_: (r for r in resources if r["resourceType"] == type_)  # noqa: E731
    (patient,) = of_type("Patient")
    name = patient["name"][0]
    facts = Facts(patient["id"], name["family"], name["given"][0], patient["birthDate"])
    for condition in of_type("Condition"):
        if _code(condition["clinicalStatus"]) == "active":
            facts.problems.add(_code(condition["code"]))
    for allergy in of_type("AllergyIntolerance"):
        facts.allergies.add((_code(allergy["code"]), _code(allergy["clinicalStatus"])))
    for prescription in of_type("MedicationRequest"):
        if prescription["status"] == "active":
            drug = _code(prescription["medicationCodeableConcept"])
            facts.taken.append((drug, prescription["authoredOn"]))
    latest: dict[str, datetime] = {}
    for observation in of_type("Observation"):
        if "laboratory" not in {_code(category) for category in observation["category"]}:
            continue
        code, at = (
            _code(observation["code"]),
            datetime.fromisoformat(observation["effectiveDateTime"]),
        )
        if code not in latest or at > latest[code]:
            latest[code], facts.laboratory[code] = at, set()
        if at == latest[code]:
            facts.laboratory[code].add(_value(observation))
    return facts


def _code(concept: dict[str, Any]) -> str:
    return concept["coding"][0]["code"]


def _value(observation: dict[str, Any]) -> Any:
    if "valueQuantity" in observation:
        quantity = observation["valueQuantity"]
        return quantity["value"], quantity["unit"]
    return _code(observation["valueCodeableConcept"])
