"""What makes two records the same fact, and which labels travel with which codes."""

from datetime import UTC, datetime

import msgspec
import pytest

from subgraphs.records import kinds
from subgraphs.records.model import (
    AllergyIntolerance,
    Condition,
    Encounter,
    Immunization,
    Procedure,
)
from subgraphs.runtime.combining import combine
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.merging import conflicts_of, group, lead_first

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RESOLVED = {"coding": [{"code": "resolved"}]}
REFUTED = {"coding": [{"code": "refuted"}]}
SEVERE = {"coding": [{"system": "http://snomed.info/sct", "code": "24484000", "display": "Severe"}]}
PENICILLIN = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7980"}]}
LOCAL = {"system": "urn:ours", "code": "A"}
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


def facts(kind, *resources):
    """The ids of each fact's records, every record from a source of its own."""
    return [[each.record.resource.id for each in fact] for fact in group(kind, records(*resources))]


def records(*resources):
    return [
        Record(f"source-{number}", "p", resource, NOW) for number, resource in enumerate(resources)
    ]


def disputed(kind, *resources):
    return {each.path: dict(each.values) for each in conflicts_of(kind, records(*resources))}


def shown(kind, *resources):
    return lead_first(kind, records(*resources))[0].resource.id


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True),
        ({"code": {"coding": IN_TWO_SYSTEMS}}, True),
        ({"code": {"coding": DIABETES, "text": "sugar"}}, True),
        (
            {"code": {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.90", "code": "E119"}]}},
            True,
        ),
        ({"onsetDateTime": "2018"}, True),
        ({"onsetDateTime": None}, True),
        ({"clinicalStatus": RESOLVED}, True),
        ({"clinicalStatus": RESOLVED, "abatementDateTime": "2021"}, True),
        ({"onsetDateTime": "2016", "abatementDateTime": "2019-01"}, False),
        ({"code": {"coding": [{"system": ICD, "code": "E11.8"}]}}, False),
        ({"code": {"text": "diabetes"}}, False),
        ({"code": None}, False),
    ],
)
def test_conditions_are_one_when_they_are_of_one_time(fields, same):
    other = condition(**{"id": "2", **fields})
    assert (len(facts(kinds.CONDITIONS, condition(), other)) == 1) is same


def test_each_of_two_colds_finds_its_own_in_the_other_chart():
    colds = [
        condition(id=id_, onsetDateTime=onset, abatementDateTime=f"{onset}-28")
        for id_, onset in (("early", "2019-01"), ("late", "2021-01"))
    ]
    held = [Record(source, "p", cold, NOW) for source in ("a", "b") for cold in colds]
    found = group(kinds.CONDITIONS, held)
    assert [[each.record.resource.id for each in fact] for fact in found] == [
        ["early", "early"],
        ["late", "late"],
    ]


@pytest.mark.parametrize(
    ("fields", "path", "said"),
    [
        ({"clinicalStatus": RESOLVED}, "clinicalStatus", "resolved"),
        ({"verificationStatus": REFUTED}, "verificationStatus", "refuted"),
        ({"onsetDateTime": "2018-03"}, "onset", "2018-03"),
        ({"severity": SEVERE}, "severity", "Severe"),
    ],
)
def test_what_charts_disagree_on_is_a_conflict(fields, path, said):
    confirmed = {"coding": [{"code": "confirmed"}]}
    one = condition(verificationStatus=confirmed, severity={"text": "Mild"})
    other = condition(id="2", verificationStatus=confirmed, severity={"text": "Mild"})
    assert disputed(kinds.CONDITIONS, one, other) == {}
    told = msgspec.convert({**msgspec.to_builtins(other), **fields}, Condition)
    found = disputed(kinds.CONDITIONS, one, told)
    assert found.keys() == {path}
    assert found[path]["source-1"] == said


@pytest.mark.parametrize(
    "fields",
    [
        {"onsetDateTime": "2020"},
        {"onsetDateTime": "2020-05-17T08:00:00Z"},
        {"onsetDateTime": "2020-05-17T23:30:00-04:00"},
        {"onsetDateTime": None},
        {"clinicalStatus": None},
        {"note": [{"text": "seen again"}]},
    ],
)
def test_to_say_less_or_nothing_contradicts_nobody(fields):
    assert disputed(kinds.CONDITIONS, condition(), condition(**fields)) == {}


def test_what_warns_most_is_shown():
    active, over = condition(id="active"), condition(id="over", clinicalStatus=RESOLVED)
    doubted = condition(id="doubted", verificationStatus=REFUTED)
    for others in ((active, over, doubted), (doubted, over, active)):
        assert shown(kinds.CONDITIONS, *others) == "active"


HIVES = {"manifestation": [{"coding": [{"system": SNOMED, "code": "247472004"}]}]}


def allergy(**fields):
    wire = {"id": "1", "code": PENICILLIN, "reaction": [{**HIVES, "severity": "mild"}], **fields}
    return msgspec.convert(wire, AllergyIntolerance)


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"criticality": "high"}, {"criticality"}),
        ({"type": "intolerance"}, {"type"}),
        ({"verificationStatus": REFUTED}, {"verificationStatus"}),
        ({"reaction": [{**HIVES, "severity": "severe"}]}, set()),
    ],
)
def test_an_allergy_s_danger_does_not_hide_behind_a_chart_that_does_not_know_it(fields, paths):
    confirmed = {"coding": [{"code": "confirmed"}]}
    plain = allergy(type="allergy", criticality="low", verificationStatus=confirmed)
    told = msgspec.convert({**msgspec.to_builtins(plain), "id": "2", **fields}, AllergyIntolerance)
    assert facts(kinds.ALLERGIES, plain, told) == [["1", "2"]]
    assert disputed(kinds.ALLERGIES, plain, told).keys() == paths
    lead, other = (each.resource for each in lead_first(kinds.ALLERGIES, records(plain, told)))
    merged = combine(lead, [other])
    severities = {reaction.severity for reaction in merged.reaction}
    assert severities == ({"mild", "severe"} if "reaction" in fields else {"mild"})
    assert merged.criticality == fields.get("criticality", "low")


def test_an_allergy_to_a_product_is_one_to_its_ingredient():
    rxnorm = "urn:oid:2.16.840.1.113883.6.88"
    capsule = allergy(code={"coding": [{"system": rxnorm, "code": "308182"}]})
    drug = allergy(id="2", code={"coding": [{"system": "RxNorm", "code": "723"}]})
    assert facts(kinds.ALLERGIES, capsule, drug) == [["1", "2"]]
    assert len(facts(kinds.ALLERGIES, capsule, allergy(id="2"))) == 2


def procedure(id_, **fields):
    wire = {"id": id_, "code": {"coding": DIABETES}, "performedDateTime": "2020-05-17", **fields}
    return msgspec.convert(wire, Procedure)


def test_the_left_knee_is_not_the_right_one():
    left, right = ([{"coding": [{"system": SNOMED, "code": c}]}] for c in ("82169009", "6757004"))
    one, other = procedure("1", bodySite=left), procedure("2", bodySite=right)
    assert len(facts(kinds.PROCEDURES, one, other)) == 2
    assert len(facts(kinds.PROCEDURES, one, procedure("2"))) == 1
    assert len(facts(kinds.PROCEDURES, one, procedure("2", performedDateTime="2020-05-18"))) == 2


def test_allergies_need_no_date_and_immunizations_do():
    assert kinds.ALLERGIES.same(allergy()) is not None
    wire = {"id": "1", "vaccineCode": {"coding": [{"system": "CVX", "code": "8"}]}}
    shot = msgspec.convert(wire, Immunization)
    assert kinds.IMMUNIZATIONS.same(shot) is None
    given = {**wire, "occurrenceDateTime": "2020-05-17", "lotNumber": "A", "status": "completed"}
    official = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "08"}]}
    one = msgspec.convert(given, Immunization)
    other = msgspec.convert(
        {**given, "id": "2", "vaccineCode": official, "lotNumber": "B"}, Immunization
    )
    assert facts(kinds.IMMUNIZATIONS, one, other) == [["1", "2"]]
    assert disputed(kinds.IMMUNIZATIONS, one, other) == {
        "lotNumber": {"source-0": "A", "source-1": "B"}
    }


@pytest.mark.parametrize(
    ("start", "class_", "same"),
    [
        ("2020-05-17T08:00:00Z", "AMB", True),
        ("2020-05-17T04:00:00-04:00", "AMB", True),
        ("2020-05-17T08:00:00Z", "EMER", False),
        ("2020-05-17T08:30:00Z", "AMB", False),
    ],
)
def test_a_visit_that_both_keep_began_at_one_moment(start, class_, same):
    def visit(id_, start, class_):
        wire = {"id": id_, "class": {"code": class_}, "period": {"start": start}}
        return msgspec.convert(wire, Encounter)

    one, other = visit("1", "2020-05-17T08:00:00Z", "AMB"), visit("2", start, class_)
    assert (len(facts(kinds.ENCOUNTERS, one, other)) == 1) is same
    assert len(facts(kinds.ENCOUNTERS, *(visit(i, "2020-05-17", "AMB") for i in "12"))) == 2


def test_entered_in_error_is_no_fact():
    wrong = condition(verificationStatus={"coding": [{"code": "entered-in-error"}]})
    assert kinds.CONDITIONS.retracted(wrong)
    codings = [LOCAL, {"code": "entered-in-error"}]
    assert kinds.CONDITIONS.retracted(condition(verificationStatus={"coding": codings}))
    assert not kinds.CONDITIONS.retracted(condition())


def test_a_label_on_a_visit_says_nothing_of_visits_for_the_same():
    reasons = [{"coding": DIABETES}, {"coding": [{"system": ICD, "code": "F11.20"}]}]
    visit = msgspec.convert({"id": "1", "reasonCode": reasons}, Encounter)
    assert kinds.ENCOUNTERS.subject(visit) == frozenset()
    assert kinds.ENCOUNTERS.mentions(visit) == {f"{ICD}|E11.9", f"{ICD}|F11.20"}


def test_granular_scopes_see_categories_with_and_without_system():
    category = [{"coding": [{"system": "http://c", "code": "problem-list-item"}]}]
    tokens = kinds.CONDITIONS.tokens(condition(category=category))
    assert {"problem-list-item", "http://c|problem-list-item"} <= set(tokens["category"])
