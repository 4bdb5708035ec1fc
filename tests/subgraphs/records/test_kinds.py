"""What makes two records the same fact, and which labels travel with which codes."""

import msgspec
import pytest

from subgraphs.records import loaders
from subgraphs.records.model import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)

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


LOCAL = {"system": "urn:ours", "code": "A"}
STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"
REFUTED = {"coding": [{"code": "refuted"}]}


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"clinicalStatus": {"coding": [LOCAL, {"system": STATUS, "code": "active"}]}}, True),
        ({"verificationStatus": {"coding": [{"code": "confirmed"}]}}, True),
        ({"note": [{"text": "seen again"}]}, True),
        ({"verificationStatus": REFUTED}, False),
        ({"severity": {"coding": [{"system": SNOMED, "code": "24484000"}]}}, False),
        ({"abatementDateTime": "2021"}, False),
    ],
)
def test_conditions_differ_in_what_matters_to_care(fields, same):
    one, other = (loaders.CONDITIONS.same(c) for c in (condition(), condition(**fields)))
    assert (one == other) is same


HIVES = {"manifestation": [{"coding": [{"system": SNOMED, "code": "247472004"}]}]}


@pytest.mark.parametrize(
    "fields",
    [
        {"criticality": "high"},
        {"reaction": [HIVES]},
        {"reaction": [{**HIVES, "severity": "severe"}]},
        {"type": "intolerance"},
        {"verificationStatus": REFUTED},
    ],
)
def test_an_allergy_s_danger_does_not_hide_behind_a_chart_that_does_not_know_it(fields):
    wire = {"id": "1", "code": {"coding": DIABETES}, "reaction": [{**HIVES, "severity": "mild"}]}
    one, other = (msgspec.convert(each, AllergyIntolerance) for each in (wire, wire | fields))
    assert loaders.ALLERGIES.same(one) == loaders.ALLERGIES.same(one)
    assert loaders.ALLERGIES.same(one) != loaders.ALLERGIES.same(other)


def test_the_left_knee_is_not_the_right_one():
    sites = [[{"coding": [{"system": SNOMED, "code": code}]}] for code in ("82169009", "6757004")]
    wire = {"id": "1", "code": {"coding": DIABETES}, "performedDateTime": "2020-05-17"}
    left, right = (msgspec.convert({**wire, "bodySite": site}, Procedure) for site in sites)
    assert loaders.PROCEDURES.same(left) not in (None, loaders.PROCEDURES.same(right))


def test_allergies_need_no_date_and_immunizations_do():
    allergy = msgspec.convert({"id": "1", "code": {"coding": DIABETES}}, AllergyIntolerance)
    assert loaders.ALLERGIES.same(allergy) is not None
    shot = msgspec.convert({"id": "1", "vaccineCode": {"coding": DIABETES}}, Immunization)
    assert loaders.IMMUNIZATIONS.same(shot) is None


def test_entered_in_error_is_no_fact():
    wrong = condition(verificationStatus={"coding": [{"code": "entered-in-error"}]})
    assert loaders.CONDITIONS.retracted(wrong)
    codings = [LOCAL, {"code": "entered-in-error"}]
    assert loaders.CONDITIONS.retracted(condition(verificationStatus={"coding": codings}))
    assert not loaders.CONDITIONS.retracted(condition())


def test_a_visit_is_about_its_sensitive_reasons_only():
    reasons = [{"coding": DIABETES}, {"coding": [{"system": ICD, "code": "F11.20"}]}]
    visit = msgspec.convert({"id": "1", "reasonCode": reasons}, Encounter)
    assert loaders.ENCOUNTERS.subject(visit) == {f"{ICD}|F11.20"}


def test_granular_scopes_see_categories_with_and_without_system():
    category = [{"coding": [{"system": "http://c", "code": "problem-list-item"}]}]
    tokens = loaders.CONDITIONS.tokens(condition(category=category))
    assert {"problem-list-item", "http://c|problem-list-item"} <= set(tokens["category"])
