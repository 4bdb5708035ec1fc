"""Codes and words that speak for themselves where no source labelled."""

import pytest

from subgraphs.runtime.fhir import CodeableConcept, Coding
from subgraphs.runtime.labelling import ages_at, labels_of, mentions_of
from subgraphs.runtime.labels.rules import SYSTEMS, rules
from subgraphs.runtime.scalars import rank
from subgraphs.runtime.sensitivity import SENSITIVE

ICD, SNOMED = SYSTEMS["icd-10-cm"], SYSTEMS["snomed"]
ADULT = (40, 40)
EXAMPLES = [
    pytest.param(rule, example, labelled, id=f"{rule.id} {example}")
    for rule in rules()
    for labelled, examples in ((True, rule.examples.positive), (False, rule.examples.negative))
    for example in examples
]


@pytest.mark.parametrize(("rule", "example", "labelled"), EXAMPLES)
def test_every_rule_labels_its_examples_and_not_what_is_near(rule, example, labelled):
    system, _, code = example.partition("|")
    assert rule.names(f"{SYSTEMS.get(system, system)}|{code}") is labelled


def test_every_class_of_sensitive_content_has_a_rule_that_closes():
    assert {rule.id for rule in rules()} == {
        "substance-use", "hiv", "mental-health", "reproductive", "genetic",
        "sexually-transmitted", "violence", "adolescent",
    }  # fmt: skip
    assert {rule.label.code for rule in rules()} <= SENSITIVE
    assert all(rule.why and rule.source.startswith("https://") for rule in rules())


@pytest.mark.parametrize(
    ("subject", "labels"),
    [
        (f"{ICD}|F11.20", ["SUD"]),
        (f"{ICD}|F17.210", []),
        (f"{ICD}|O99.320", ["SUD", "SEX"]),
        (f"{SNOMED}|B20", []),
        ("http://loinc.org|20447-9", ["HIV"]),
        ("http://loinc.org|20447-90", []),
        ("|F11.20", []),
        ("", []),
    ],
)
def test_labels_by_code(subject, labels):
    assert [coding.code for coding in labels_of([subject], ADULT)] == labels


@pytest.mark.parametrize(
    ("age", "labels"),
    [(11, ["SEX"]), (12, ["SEX", "ADOL"]), (17, ["SEX", "ADOL"]), (18, ["SEX"])],
)
def test_what_is_the_adolescent_s_own_depends_on_the_age(age, labels):
    assert [label.code for label in labels_of([f"{ICD}|Z30.011"], (age, age))] == labels


def test_an_age_that_may_be_is_enough():
    assert [label.code for label in labels_of([f"{ICD}|Z30.011"], (17, 18))] == ["SEX", "ADOL"]
    assert [label.code for label in labels_of([f"{ICD}|Z30.011"], (11, 12))] == ["SEX", "ADOL"]


def test_an_age_that_cannot_be_told_opens_nothing():
    assert [label.code for label in labels_of([f"{ICD}|Z30.011"])] == ["SEX", "ADOL"]


@pytest.mark.parametrize(
    ("born", "moment", "ages"),
    [
        ("2008-05-17", "2020-05-16T23:00:00Z", (11, 11)),
        ("2008-05-17", "2020-05-17", (12, 12)),
        ("2008-02-29", "2020-02-28", (11, 11)),
        # Of a year alone: before the birthday or after it.
        ("2008-05-17", "2020", (11, 12)),
        ("2008-05-17", "2020-05", (11, 12)),
        ("2008-05", "2020-05-17", None),
        (None, "2020-05-17", None),
        ("2008-05-17", None, None),
        ("2008-05-17", "", None),
        ("nonsense-date", "2020-05-17", None),
    ],
)
def test_ages(born, moment, ages):
    assert ages_at(born, rank(moment)) == ages


def test_words_count_only_where_nothing_is_coded():
    said = "HIV counselling"
    known = Coding(system=ICD, code="J06.9", display=said)
    local = Coding(system="urn:oid:1.2.3", code="17", display=said)
    assert labels_of(mentions_of(CodeableConcept(text=said)), ADULT)
    assert labels_of(mentions_of(CodeableConcept((local,))), ADULT)
    assert not labels_of(mentions_of(CodeableConcept((known,), said)), ADULT)
    assert mentions_of(None, CodeableConcept()) == frozenset()


async def test_an_unlabelled_record_is_closed_by_its_code(notes, wire):
    notes.north.resources = [
        wire("1", "n-ada", text=f"{ICD}|F11.20"),
        wire("2", "n-ada", text=f"{ICD}|I10"),
    ]
    answer = await notes.entities(
        "... on Patient { notes { nodes { text } } }", notes.patient("ada")
    )
    assert answer["data"]["_entities"][0]["notes"]["nodes"] == [{"text": f"{ICD}|I10"}]
    assert [refusal.reason for refusal in answer["report"].refusals] == ["label"]
