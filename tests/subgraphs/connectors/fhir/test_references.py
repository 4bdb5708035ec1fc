"""By which element a resource tells whose it is."""

from importlib import import_module

import pytest

from subgraphs.connectors.fhir.references import _PATIENT_PATHS, Question


@pytest.mark.parametrize("type_", sorted(_PATIENT_PATHS))
def test_the_element_is_one_that_fhir_defines(type_):
    model = getattr(import_module(f"fhir.resources.R4B.{type_.lower()}"), type_)
    elements = {field.alias or name for name, field in model.model_fields.items()}
    assert _PATIENT_PATHS[type_][0] in elements


@pytest.mark.parametrize(
    ("type_", "element"),
    [("ResearchSubject", "individual"), ("NutritionOrder", "patient"), ("Flag", "subject")],
)
def test_a_row_is_found_by_whom_it_names(type_, element):
    question = Question(type_, "patient", ["1", "2"], "https://ehr.example/fhir")
    row = {"resourceType": type_, "id": "r", element: {"reference": "Patient/2"}}
    assert question.group([row]) == {"1": [], "2": [row]}
