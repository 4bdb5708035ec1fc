"""Benefits and cost against what the payer's own explanations of benefit add up to."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.data.payer import Accumulator
from tests.acceptance.test_whole_path import upstream_calls
from tests.subgraphs.connectors.x12.payer import interchange


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
    assert max(calls.values()) == 1, calls
    assert calls["payer-x12", "270"] == 1


CLOSED = {"R", "V", "ETH", "HIV", "PSY"}
"""The labels that the sandbox puts on records."""
YEARS = range(4)
"""As far back as the sandbox's payer remembers."""


@pytest.mark.parametrize("persona", ["patient", "biller"])
def test_a_year_comes_to_what_its_decided_claims_do(demo, patient, persona):
    me, ids = patient
    this = int(demo.sandbox.ready["today"][:4])
    decided = [
        each
        for each in held(demo, "ExplanationOfBenefit", ids["payer"])
        if each["use"] == "claim"
        and (persona == "patient" or not CLOSED & {s["code"] for s in labels(each)})
    ]
    counted = 0
    for year in (this - ago for ago in YEARS):
        answer = demo.run("benefits", persona=persona, id=me, year=year)
        # Conditions are not billing's.
        assert {error["path"][-1] for error in answer.get("errors", ())} <= {"conditions"}
        (node,) = answer["data"]["patient"]["coverages"]["nodes"]
        of_year = [e for e in decided if e["billablePeriod"]["start"].startswith(str(year))]
        sums = {
            code: sum((total(e, code) for e in of_year), Decimal(0))
            for code in ("deductible", "copay", "coinsurance", "benefit")
        }
        told = node["yearToDate"]
        assert (told["year"], told["claims"]) == (year, len(of_year))
        assert Decimal(told["deductible"]["value"]) == sums["deductible"]
        assert Decimal(told["paid"]["value"]) == sums["benefit"]
        own = sums["deductible"] + sums["copay"] + sums["coinsurance"]
        assert Decimal(told["outOfPocket"]["value"]) == own
        assert told["deductible"]["currency"] == "USD"
        counted += len(of_year)
        if year == this and persona == "patient":
            # What the clearinghouse says is met is what the explanations come to.
            assert Decimal(node["whole"]["deductible"]["met"]["value"]) == sums["deductible"]
            assert Decimal(node["whole"]["outOfPocket"]["met"]["value"]) == own
    assert counted > 1


def labels(resource):
    return resource.get("meta", {}).get("security", [])


@pytest.mark.parametrize("allowed", ["0.00", "20.00", "100.00", "187.35", "1600.00", "90000.00"])
def test_an_estimate_is_what_the_payer_would_decide(demo, patient, allowed):
    """By the sandbox's own rule, which adjudicates the claims: in whole cents."""
    me, _ = patient
    found = as_herself(demo, "benefits", id=me, allowed=allowed)["patient"]["coverages"]["nodes"][0]
    met = [cents(found["service"][name]["met"]) for name in ("deductible", "outOfPocket")]
    share = Accumulator(*met).divide(cents({"value": allowed}))
    told = found["costEstimate"]
    assert told["isComplete"] is True
    assert (cents(told["deductible"]), cents(told["copay"])) == (share.deductible, share.copay)
    # The payer rounds down, and an estimate to the nearest.
    assert cents(told["coinsurance"]) - share.coinsurance in (0, 1)
    assert cents(told["patientPays"]) - share.member in (0, 1)
    assert cents(told["patientPays"]) + cents(told["planPays"]) == cents(told["allowed"])


def cents(money):
    return int(Decimal(money["value"]) * 100)


def test_an_answer_that_is_handed_in_is_in_the_coverage_s_history(demo, patient):
    me, ids = patient
    (coverage,) = [c for c in held(demo, "Coverage", ids["payer"]) if c["status"] == "active"]
    (person,) = [person_of(demo, ids["payer"])]
    name = person["name"][0]
    # Older than any answer to a question of ours, so that it comes last.
    content = told_in_271(coverage["subscriberId"], name, person["birthDate"])
    token = Path(demo.sandbox.ready["clearinghouse_token_file"]).read_text().strip()
    url, shown = f"{demo.gateway}/inbox/clearinghouse", {"authorization": f"Bearer {token}"}
    assert demo.http.post(url, content=content).status_code == 401
    kept = demo.http.post(url, content=content, headers=shown)
    assert kept.json()["kept"] == {"Patient": 1, "EligibilityAnswer": 1}
    refused = demo.http.post(url, content=content[:-20], headers=shown)
    assert refused.status_code == 422
    found = as_herself(demo, "benefits", id=me)["patient"]["coverages"]["nodes"][0]
    checks = found["eligibilityChecks"]["nodes"]
    assert [each["source"] for each in checks if each["isHandedIn"]] == ["clearinghouse"]
    last = checks[-1]
    assert (last["isHandedIn"], last["checkedAt"]) == (True, "2020-01-02T03:04:00Z")
    assert last["eligibility"] == {"active": False, "rejections": []}


def person_of(demo, id_):
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    answer = demo.http.get(f"{demo.sandbox.url('payer')}/Patient/{id_}", headers=headers)
    return answer.raise_for_status().json()


def told_in_271(number, name, born):
    family, given = name["family"].upper(), name["given"][0].upper()
    body = [
        "BHT*0022*11*1*20200102*0304",
        "HL*1**20*1",
        "NM1*PR*2*MEADOW MUTUAL*****PI*842610001",
        "HL*2*1*21*1",
        "NM1*1P*2*LAKESIDE*****XX*1999999984",
        "HL*3*2*22*0",
        "TRN*2*T1*9X",
        f"NM1*IL*1*{family}*{given}****MI*{number}",
        f"DMG*D8*{born.replace('-', '')}",
        "EB*6**30",
    ]
    text = interchange([body]).decode()
    return text.replace("*20260101*1200*7*X", "*20200102*0304*7*X").encode()


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
