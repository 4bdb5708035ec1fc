"""What makes two records the same fact, and which labels travel with which codes."""

import msgspec
import pytest

from subgraphs.records import loaders
from subgraphs.records.model import AllergyIntolerance, Condition, Encounter, Immunization

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
DIABETES = [{"system": ICD, "code": "E11.9"}]
IN_TWO_SYSTEMS = [{"system": SNOMED, "code": "44054006"}, *DIABETES]


def condition(**fields):
    wire = {
        "id": "1",
        "code": {"coding": DIABETES},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "onsetDateTime": "2020-05-17",
        **fields,
    }
    return msgspec.convert(wire, Condition)


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True),
        ({"id": "2"}, True),
        ({"code": {"coding": IN_TWO_SYSTEMS}}, True),
        ({"code": {"coding": DIABETES, "text": "sugar"}}, True),
        ({"onsetDateTime": "2020-05-17T08:00:00Z"}, True),
        ({"onsetDateTime": "2020-05-17T23:30:00-04:00"}, False),  # the 18th, in UTC
        ({"onsetDateTime": "2020-05"}, False),
        ({"onsetDateTime": None}, False),
        ({"clinicalStatus": {"coding": [{"code": "resolved"}]}}, False),
        ({"clinicalStatus": None}, False),
        ({"code": {"coding": [{"system": ICD, "code": "E11.8"}]}}, False),
        ({"code": {"text": "diabetes"}}, False),
        ({"code": None}, False),
    ],
)
def test_conditions_are_one_when_code_status_and_day_agree(fields, same):
    key = loaders.CONDITIONS.same(condition(**fields))
    assert (key is not None and key == loaders.CONDITIONS.same(condition())) is same


def test_allergies_need_no_date_and_immunizations_do():
    allergy = msgspec.convert({"id": "1", "code": {"coding": DIABETES}}, AllergyIntolerance)
    assert loaders.ALLERGIES.same(allergy) is not None
    shot = msgspec.convert({"id": "1", "vaccineCode": {"coding": DIABETES}}, Immunization)
    assert loaders.IMMUNIZATIONS.same(shot) is None


def test_entered_in_error_is_no_fact():
    wrong = condition(verificationStatus={"coding": [{"code": "entered-in-error"}]})
    assert loaders.CONDITIONS.retracted(wrong)
    assert not loaders.CONDITIONS.retracted(condition())


def test_a_visit_is_about_its_sensitive_reasons_only():
    reasons = [{"coding": DIABETES}, {"coding": [{"system": ICD, "code": "F11.20"}]}]
    visit = msgspec.convert({"id": "1", "reasonCode": reasons}, Encounter)
    assert loaders.ENCOUNTERS.subject(visit) == {f"{ICD}|F11.20"}


def test_granular_scopes_see_categories_with_and_without_system():
    category = [{"coding": [{"system": "http://c", "code": "problem-list-item"}]}]
    tokens = loaders.CONDITIONS.tokens(condition(category=category))
    assert {"problem-list-item", "http://c|problem-list-item"} <= set(tokens["category"])
