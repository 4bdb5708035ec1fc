"""Benefits and cost against what the payer's own explanations of benefit add up to."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from tests.acceptance.test_whole_path import upstream_calls


@pytest.fixture
def patient(demo):
    me = demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]
    launch = demo.sandbox.ready["personas"]["patient"]["patient"]
    people = demo.sandbox.truth["people"]
    return me, next(p["ids"] for p in people if p["ids"].get("ehr-a") == launch)


def held(demo, type_, patient):
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    url = f"{demo.sandbox.url('payer')}/{type_}?patient={patient}&_count=100"
    bundle = demo.http.get(url, headers=headers).raise_for_status().json()
    assert not [link for link in bundle["link"] if link["relation"] == "next"]
    return [entry["resource"] for entry in bundle.get("entry", ())]


def total(explanation, code):
    found = (
        each["amount"]["value"]
        for each in explanation["total"]
        if each["category"]["coding"][0]["code"] == code
    )
    return Decimal(str(next(found)))


def as_herself(demo, operation, **variables):
    answer = demo.run(operation, persona="patient", **variables)
    assert "errors" not in answer
    return answer["data"]


def test_what_the_payer_says_is_what_its_explanations_come_to(demo, patient):
    me, ids = patient
    year = demo.sandbox.ready["today"][:4]
    explanations = held(demo, "ExplanationOfBenefit", ids["payer"])
    this_year = [e for e in explanations if e["billablePeriod"]["start"].startswith(year)]
    met = sum((total(e, "deductible") for e in this_year), Decimal(0))
    paid = sum((total(e, "memberliability") for e in this_year), Decimal(0))
    demo.sandbox.reset_calls()
    found = as_herself(demo, "benefits", id=me)["patient"]
    (node,) = [n for n in found["coverages"]["nodes"] if n["status"] == "active"]
    for told in (node["whole"], node["service"]):
        assert told["active"] is True
        for limit, used in ((told["deductible"], met), (told["outOfPocket"], paid)):
            whole, left = (Decimal(limit[name]["value"]) for name in ("total", "remaining"))
            assert whole - left == Decimal(limit["met"]["value"]) == used
    shown = {
        each["billablePeriod"]["start"]: Decimal(each["totals"]["memberLiability"]["value"])
        for each in found["explanationsOfBenefit"]["nodes"]
    }
    assert shown == {
        e["billablePeriod"]["start"]: total(e, "memberliability") for e in explanations
    }
    calls = upstream_calls(demo)
    assert calls.pop(("payer", "ExplanationOfBenefit")) == 2, "as what they are, and as requests"
    assert max(calls.values()) == 1, calls
    assert calls["payer-x12", "270"] == 1


def test_with_the_payer_down_the_clinical_part_is_there(demo, patient):
    me, _ = patient
    for upstream in ("payer", "payer-x12"):
        demo.sandbox.set_faults(upstream, outage="503")
    answer = demo.run("benefits", persona="patient", id=me)
    found = answer["data"]["patient"]
    assert found["name"]["text"]
    assert found["conditions"]["nodes"]
    assert (found["coverages"], found["explanationsOfBenefit"]) == (None, None)
    assert {error["extensions"]["source"] for error in answer["errors"]} == {"payer"}


def test_with_the_clearinghouse_down_the_coverage_is_there(demo, patient):
    me, _ = patient
    with demo.sandbox.broken("payer-x12", outage="503"):
        answer = demo.run("benefits", persona="patient", id=me)
    (node,) = answer["data"]["patient"]["coverages"]["nodes"]
    assert node["plan"]
    assert (node["whole"], node["service"]) == (None, None)
    codes = {error["extensions"]["code"] for error in answer["errors"]}
    assert codes == {"SOURCE_UNAVAILABLE"}


def test_a_check_is_asked_once_and_kept(demo, patient):
    me, _ = patient
    found = as_herself(demo, "benefits", id=me)["patient"]["coverages"]["nodes"]
    given = {"idempotencyKey": uuid4().hex, "coverage": found[0]["id"], "serviceType": "98"}
    demo.sandbox.reset_calls()
    checked = [
        as_herself(demo, "check-eligibility", input=given)["checkEligibility"] for _ in range(2)
    ]
    assert checked[0] == checked[1]
    assert upstream_calls(demo)["payer-x12", "270"] == 1
    said = checked[0]["check"]["eligibility"]
    assert said["active"] is True
    assert [b["kind"] for b in said["benefits"]] == ["1", "C", "C", "G", "G", "B", "A"]
    again = as_herself(demo, "benefits", id=me)["patient"]["coverages"]["nodes"][0]
    kept = [check["id"] for check in again["eligibilityChecks"]["nodes"]]
    assert kept[0] == checked[0]["check"]["id"]
