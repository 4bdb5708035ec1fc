"""Plans, goals, devices and filled forms: what makes two of them one, and what they name."""

from datetime import UTC, datetime

import msgspec
import pytest

from subgraphs.records import kinds
from subgraphs.records.model import (
    CarePlan,
    Device,
    FamilyMemberHistory,
    Goal,
    QuestionnaireResponse,
)
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.labelling import labels_of
from subgraphs.runtime.merging import conflicts_of, group

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LOINC = "http://loinc.org"
SUGAR = {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}], "text": "Sugar"}


def facts(kind, model, *wires):
    held = [
        Record(f"source-{n}", "p", msgspec.convert({"id": str(n), **wire}, model), NOW)
        for n, wire in enumerate(wires)
    ]
    return [[each.record for each in fact] for fact in group(kind, held)]


def labels(kind, model, **wire):
    record = msgspec.convert({"id": "1", **wire}, model)
    return {label.code for label in labels_of(kind.subject(record) | kind.mentions(record))}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"description": SUGAR, "startDate": "2026-01-05"}, True),
        ({"description": SUGAR, "startDate": "2026-01"}, False),
        ({"description": SUGAR, "startDate": "2026-02-05"}, False),
        ({"description": SUGAR}, False),
        ({"description": {"text": "Sugar"}, "startDate": "2026-01-05"}, False),
    ],
)
def test_a_goal_of_two_charts_is_of_one_thing_from_one_day(other, same):
    one = {"description": SUGAR, "startDate": "2026-01-05", "lifecycleStatus": "active"}
    assert (len(facts(kinds.GOALS, Goal, one, other)) == 1) is same


def test_what_charts_say_of_a_goal_otherwise_is_a_conflict():
    one = {"description": SUGAR, "startDate": "2026-01-05", "lifecycleStatus": "active"}
    other = {**one, "lifecycleStatus": "completed", "target": [{"dueDate": "2026-06-01"}]}
    ((*records,),) = facts(kinds.GOALS, Goal, one, other)
    assert [c.path for c in conflicts_of(kinds.GOALS, records)] == ["lifecycleStatus"]


def test_each_relative_stands_alone_and_is_as_sensitive_as_what_is_told():
    brother = {"coding": [{"code": "BRO"}]}
    hiv = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B20"}]}
    plain = {"relationship": brother, "condition": [{"code": SUGAR}]}
    assert len(facts(kinds.FAMILY, FamilyMemberHistory, plain, plain)) == 2
    assert labels(kinds.FAMILY, FamilyMemberHistory, **plain) == set()
    told = {"relationship": brother, "condition": [{"code": SUGAR}, {"code": hiv}]}
    assert labels(kinds.FAMILY, FamilyMemberHistory, **told) == {"HIV"}


def test_plans_of_two_charts_are_two_plans():
    plan = {"title": "Diabetes", "period": {"start": "2026-01-05"}}
    assert len(facts(kinds.CARE_PLANS, CarePlan, plan, plan)) == 2


def udi(whole=None, kind=None):
    return [{"deviceIdentifier": kind, "carrierHRF": whole}]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"udiCarrier": udi("(01)1(21)A")}, {"udiCarrier": udi("(01)1(21)A")}, True),
        ({"udiCarrier": udi("(01)1(21)A")}, {"udiCarrier": udi("(01)1(21)B")}, False),
        (
            {"udiCarrier": udi(kind="1"), "serialNumber": "A"},
            {"udiCarrier": udi(kind="1"), "serialNumber": "A"},
            True,
        ),
        ({"udiCarrier": udi(kind="1")}, {"udiCarrier": udi(kind="1")}, False),
        ({}, {}, False),
    ],
)
def test_a_device_is_one_article_and_not_a_kind_of_them(one, other, same):
    assert (len(facts(kinds.DEVICES, Device, one, other)) == 1) is same


@pytest.mark.parametrize(
    ("model", "wire", "label"),
    [
        (CarePlan, {"text": {"div": "<div>Methadone maintenance</div>"}}, "SUD"),
        (CarePlan, {"addresses": [{"display": "HIV disease"}]}, "HIV"),
        (CarePlan, {"activity": [{"detail": {"description": "opioid use disorder"}}]}, "SUD"),
        (Goal, {"description": {"text": "Undetectable HIV viral load"}}, "HIV"),
        (Goal, {"note": [{"text": "after the HIV diagnosis"}]}, "HIV"),
        (
            QuestionnaireResponse,
            {"item": [{"linkId": "/44249-1/44250-9", "text": "Little interest"}]},
            "PSY",
        ),
        (
            QuestionnaireResponse,
            {"item": [{"text": "Which?", "answer": [{"valueString": "methadone maintenance"}]}]},
            "SUD",
        ),
    ],
)
def test_what_a_record_names_in_words_or_codes_labels_it(model, wire, label):
    kind = {
        CarePlan: kinds.CARE_PLANS,
        Goal: kinds.GOALS,
        QuestionnaireResponse: kinds.RESPONSES,
    }[model]
    assert label in labels(kind, model, **wire)
    assert labels(kind, model) == set()


def test_every_question_of_a_form_is_found_however_deep_it_lies():
    reply = {"valueBoolean": True, "item": [{"linkId": "1.1.a", "text": "since when"}]}
    items = [{"linkId": "1", "item": [{"linkId": "1.1", "answer": [reply]}]}, {"linkId": "2"}]
    wire = {"id": "1", "item": items}
    found = msgspec.convert(wire, QuestionnaireResponse).walked
    assert [(depth, item.link_id) for depth, item in found] == [
        (0, "1"),
        (1, "1.1"),
        (2, "1.1.a"),
        (0, "2"),
    ]
    endless = {"id": "1", "item": [{"linkId": str(n)} for n in range(5000)]}
    assert len(msgspec.convert(endless, QuestionnaireResponse).walked) == 1000
