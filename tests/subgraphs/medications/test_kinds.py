"""What makes two prescriptions one, which of them is shown, and what they disagree on."""

from datetime import UTC, datetime

import msgspec
import pytest

from subgraphs.medications.kinds import DISPENSES, REQUESTS
from subgraphs.medications.model import MedicationDispense, MedicationRequest
from subgraphs.runtime.gathering import Record
from subgraphs.runtime.labelling import labels_of
from subgraphs.runtime.merging import conflicts_of, group, lead_first

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATORVASTATIN, STRONGER, LISINOPRIL = "617310", "259255", "314076"
DAILY = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}


def drug(code, system=RXNORM):
    return {"coding": [{"system": system, "code": code, "display": f"drug {code}"}]}


def dose(amount, unit="mg", **fields):
    quantity = {"value": amount, "unit": unit}
    return {"timing": DAILY, "doseAndRate": [{"doseQuantity": quantity}], **fields}


def request(id_="1", **fields):
    wire = {
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": drug(ATORVASTATIN),
        "authoredOn": "2026-05-17T08:00:00Z",
        "dosageInstruction": [dose(20)],
        **fields,
    }
    return msgspec.convert(wire, MedicationRequest)


def dispense(id_="1", **fields):
    wire = {
        "id": id_,
        "status": "completed",
        "medicationCodeableConcept": drug(ATORVASTATIN),
        "whenHandedOver": "2026-05-18",
        "quantity": {"value": 30, "unit": "tablet"},
        **fields,
    }
    return msgspec.convert(wire, MedicationDispense)


def records(*resources):
    return [Record(f"s{number}", "p", resource, NOW) for number, resource in enumerate(resources)]


def are_one(kind, one, other):
    return len(group(kind, records(one, other))) == 1


def disputed(kind, one, other):
    return {
        each.path: [v for _, v in each.values] for each in conflicts_of(kind, records(one, other))
    }


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True),
        ({"medicationCodeableConcept": drug(STRONGER)}, True),
        ({"medicationCodeableConcept": drug("83367")}, True),
        ({"medicationCodeableConcept": drug(ATORVASTATIN, "urn:oid:2.16.840.1.113883.6.88")}, True),
        ({"authoredOn": "2026-05-17"}, True),
        ({"status": "stopped"}, True),
        ({"dosageInstruction": []}, True),
        ({"authoredOn": "2026-05-17T09:00:00Z"}, False),
        ({"authoredOn": "2026-05-18"}, False),
        ({"authoredOn": None}, False),
        ({"medicationCodeableConcept": drug(LISINOPRIL)}, False),
        ({"medicationCodeableConcept": {"text": "atorvastatin"}}, False),
        ({"medicationCodeableConcept": None}, False),
        ({"intent": "plan"}, False),
    ],
)
def test_prescriptions_are_one_by_ingredient_intent_and_moment(fields, same):
    assert are_one(REQUESTS, request(), request("2", **fields)) is same
    assert are_one(REQUESTS, request("2", **fields), request()) is same


def test_two_of_one_source_stay_two():
    held = [Record("s", "p", request(id_), NOW) for id_ in "12"]
    assert len(group(REQUESTS, held)) == 2


@pytest.mark.parametrize(
    ("how", "agrees"),
    [
        ([dose(20)], True),
        ([dose(20, text="One in the evening")], True),
        ([], True),
        ([dose("0.02", "g")], True),
        ([dose(20, timing={"code": {"coding": [{"code": "QD"}]}})], True),
        ([dose(20, timing={"repeat": {"frequency": 7, "period": 1, "periodUnit": "wk"}})], True),
        ([dose(40)], False),
        ([dose(20, timing={"code": {"coding": [{"code": "BID"}]}})], False),
        ([dose(20, timing={"repeat": {"frequency": 1, "period": 1, "periodUnit": "mo"}})], False),
        ([dose(1, "tablet")], False),
        ([dose(20), dose(20)], False),
        ([{"text": "20 mg daily"}], False),
        ([dose(20, timing=None)], False),
        (
            [dose(20, timing={"repeat": {"frequency": 1, "period": "1e99", "periodUnit": "d"}})],
            False,
        ),
        ([dose(20, timing={"repeat": {"frequency": 1, "period": 0, "periodUnit": "d"}})], False),
    ],
)
def test_doses_agree_where_both_amount_and_rate_do(how, agrees):
    wire = msgspec.json.encode([{"dosageInstruction": how}])
    other = request("2", **msgspec.json.decode(wire)[0])
    found = disputed(REQUESTS, request(), other)
    assert found.keys() == (set() if agrees else {"dosageInstructions"})


def test_what_is_said_in_words_alone_is_compared_in_words():
    def told(text):
        return request(dosageInstruction=[{"text": text}])

    assert disputed(REQUESTS, told("Take 1  daily"), told("take 1 daily")) == {}
    assert disputed(REQUESTS, told("Take 1 daily"), told("Take 2 daily")) == {
        "dosageInstructions": ["Take 1 daily", "Take 2 daily"]
    }


def test_a_dose_without_words_is_shown_in_ours():
    found = disputed(REQUESTS, request(), request("2", dosageInstruction=[dose(40)]))
    assert found == {
        "dosageInstructions": ["20 mg 1 times in 1 d", "40 mg 1 times in 1 d"],
    }


def test_another_strength_and_another_status_are_conflicts():
    other = request("2", status="stopped", medicationCodeableConcept=drug(STRONGER))
    assert disputed(REQUESTS, request(), other) == {
        "status": ["active", "stopped"],
        "medication": [f"drug {ATORVASTATIN}", f"drug {STRONGER}"],
    }


def test_what_is_still_taken_and_how_is_shown():
    shown = [
        request("active"),
        request("untold", dosageInstruction=[]),
        request("held", status="on-hold"),
        request("stopped", status="stopped"),
    ]
    for order in (shown, shown[::-1]):
        led = lead_first(REQUESTS, records(*order))
        assert [record.resource.id for record in led] == ["active", "untold", "held", "stopped"]


def test_entered_in_error_is_no_fact():
    for kind, make in ((REQUESTS, request), (DISPENSES, dispense)):
        assert group(kind, records(make(status="entered-in-error"))) == []


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({}, set()),
        ({"whenHandedOver": "2026-05-18T15:00:00Z"}, set()),
        ({"whenHandedOver": None, "whenPrepared": "2026-05-18"}, set()),
        ({"quantity": {"value": 60, "unit": "tablet"}}, {"quantity"}),
        ({"quantity": {"value": 30, "unit": "mL"}}, {"quantity"}),
        ({"whenHandedOver": "2026-05-19"}, None),
    ],
)
def test_dispenses_are_one_by_ingredient_and_day(fields, paths):
    one, other = dispense(), dispense("2", **fields)
    assert are_one(DISPENSES, one, other) is (paths is not None)
    if paths is not None:
        assert disputed(DISPENSES, one, other).keys() == paths


@pytest.mark.parametrize(
    "told",
    [
        {"medicationCodeableConcept": drug("1819")},
        {"medicationCodeableConcept": {"text": "Suboxone film"}},
        {"medicationCodeableConcept": None, "medicationReference": {"display": "Suboxone"}},
        {
            "medicationCodeableConcept": drug("x", "urn:ours"),
            "medicationResource": {"ingredient": [{"itemCodeableConcept": drug("1819")}]},
        },
        {"note": [{"text": "for opioid withdrawal"}]},
    ],
)
def test_what_treats_addiction_is_labelled_however_it_is_told(told):
    for kind, record in ((REQUESTS, request(**told)), (DISPENSES, dispense(**told))):
        named = kind.subject(record) | kind.mentions(record)
        assert "SUD" in {label.code for label in labels_of(named)}
    assert not labels_of(REQUESTS.subject(request()) | REQUESTS.mentions(request()))


def test_a_label_on_one_product_holds_for_all_of_its_ingredient():
    strengths = [request(medicationCodeableConcept=drug(code)) for code in (ATORVASTATIN, STRONGER)]
    assert REQUESTS.subject(strengths[0]) & REQUESTS.subject(strengths[1])
    assert not REQUESTS.subject(strengths[0]) & REQUESTS.subject(
        request(medicationCodeableConcept=drug(LISINOPRIL))
    )
