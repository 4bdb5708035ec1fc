"""Real resources nobody here wrote can be read, and real people are not mistaken for each other."""

import gzip
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.explanations import ExplanationResource
from subgraphs.diagnostics.model import DiagnosticReport, Observation
from subgraphs.identity.index.features import extract
from subgraphs.identity.index.matching import Matcher
from subgraphs.identity.index.people import tell_apart
from subgraphs.identity.model import PatientResource, read_patient
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.records import model as records
from tests.shared_data import shared_data

MODELS = {
    "Patient": PatientResource,
    "Encounter": records.Encounter,
    "Condition": records.Condition,
    "AllergyIntolerance": records.AllergyIntolerance,
    "Procedure": records.Procedure,
    "Immunization": records.Immunization,
    "CarePlan": records.CarePlan,
    "Goal": records.Goal,
    "Device": records.Device,
    "DocumentReference": records.DocumentReference,
    "QuestionnaireResponse": records.QuestionnaireResponse,
    "Observation": Observation,
    "DiagnosticReport": DiagnosticReport,
    "MedicationRequest": MedicationRequest,
    "MedicationDispense": MedicationDispense,
    "Coverage": CoverageResource,
    "ExplanationOfBenefit": ExplanationResource,
}
MEANT_TO_BE_WRONG = {"c4bb_patient_error_example.json", "c4bb_patient_stub.json"}
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

pytestmark = pytest.mark.shared_data


def resources(folder: str, pattern: str) -> Iterator[dict[str, Any]]:
    for file in sorted(shared_data(folder).glob(pattern)):
        content = file.read_bytes()
        bundle = _DECODER.decode(gzip.decompress(content) if file.suffix == ".gz" else content)
        if isinstance(bundle, dict):
            yield from (entry["resource"] for entry in bundle.get("entry", ()))


@pytest.mark.parametrize(
    ("folder", "pattern", "at_least"),
    [("synthea-r4", "*.json.gz", 10_000), ("inferno-reference", "uscore_bundle_*.json", 300)],
)
def test_real_resources_can_be_read(folder, pattern, at_least):
    read = Counter()
    for resource in resources(folder, pattern):
        model = MODELS.get(resource["resourceType"])
        if model is not None:
            msgspec.convert(resource, model)
            read[resource["resourceType"]] += 1
    not_everywhere = {"Coverage", "ExplanationOfBenefit", "MedicationDispense", "Device"}
    not_everywhere |= {"DocumentReference", "QuestionnaireResponse", "Goal"}
    assert MODELS.keys() - not_everywhere <= read.keys()
    assert read.total() >= at_least


@pytest.mark.parametrize(("folder", "at_least"), [("uscore-examples", 160), ("carin", 10)])
def test_published_examples_can_be_read(folder, at_least):
    read = Counter()
    for file in sorted(shared_data(folder).glob("*.json")):
        if file.name in MEANT_TO_BE_WRONG:
            continue
        for resource in within(_DECODER.decode(file.read_bytes())):
            kind = resource["resourceType"]
            if kind == "Patient":
                assert read_patient(resource).birth_date
            elif kind in MODELS:
                record = msgspec.convert(resource, MODELS[kind])
                assert record.owner.id_of("Patient")
            read[kind] += kind in MODELS
    assert read.total() >= at_least


def within(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A resource, or those of a Bundle."""
    if content["resourceType"] != "Bundle":
        yield content
    for entry in content.get("entry", ()) if content["resourceType"] == "Bundle" else ():
        yield from within(entry["resource"])


def test_values_keep_every_digit():
    quantities = [
        (resource["valueQuantity"]["value"], msgspec.convert(resource, Observation))
        for resource in resources("synthea-r4", "*.json.gz")
        if resource["resourceType"] == "Observation" and "valueQuantity" in resource
    ]
    assert all(str(o.value_quantity.value) == str(value) for value, o in quantities)
    assert any(len(str(value)) > 10 for value, _ in quantities)


def test_a_hundred_different_people_stay_a_hundred():
    people = {
        # Each from a source of its own, so that nothing but who they are keeps them apart.
        f"{number}": extract(f"source-{number}", msgspec.convert(resource, PatientResource))
        for number, resource in enumerate(resources("synthea-r4", "*.json.gz"))
        if resource["resourceType"] == "Patient"
    }
    assert len(tell_apart(people, Matcher())) == len(people) > 50
