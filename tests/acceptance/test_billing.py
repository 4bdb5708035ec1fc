"""A visit's bills against an independent reading of the payer's resources and the X12 files."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.acceptance.test_whole_path import EHRS, upstream_calls

PATIENT_SHARE = "PR"


@pytest.fixture
def launch_patient(demo):
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


def paid_by_account(demo):
    """Cut by hand out of the 835 files: what each says of a claim, by the provider's number."""
    found = defaultdict(list)
    for file in demo.sandbox.ready["claim_files"]:
        if not file.endswith(".835"):
            continue
        segments = [s.strip().split("*") for s in Path(file).read_text("latin-1").split("~")]
        trace = next(s[2] for s in segments if s[0] == "TRN")
        claim = None
        for name, *elements in segments:
            if name == "CLP":
                claim = {"trace": trace, "status": elements[1], "adjusted": []}
                claim |= dict(
                    zip(("charged", "paid", "owed"), map(Decimal, elements[2:5]), strict=True)
                )
                found[elements[0]].append(claim)
            elif name == "CAS" and claim is not None:
                pairs = zip(elements[1::3], elements[2::3], strict=False)
                claim["adjusted"] += [(elements[0], r, Decimal(a)) for r, a in pairs]
    return found


def explained_by_account(demo, patient):
    """The payer's explanations of benefit, read from it directly."""
    headers = {"authorization": f"Bearer {demo.sandbox.system_token()}"}
    url = f"{demo.sandbox.url('payer')}/ExplanationOfBenefit?patient={patient}&_count=500"
    bundle = demo.http.get(url, headers=headers).raise_for_status().json(parse_float=Decimal)
    found = {}
    for entry in bundle["entry"]:
        told = entry["resource"]
        if told.get("use") != "claim":
            continue
        (account,) = (i["valueString"] for i in told["supportingInfo"])
        totals = {
            each["category"]["coding"][0]["code"]: Decimal(each["amount"]["value"])
            for each in told["total"]
        }
        found[account] = totals
    return found


def reconciled(demo, patient, persona="biller"):
    """Every claim of every visit, by account."""
    answer = demo.run("reconciliation", persona=persona, id=patient, first=50)
    assert "errors" not in answer, answer["errors"]
    visits = answer["data"]["patient"]["encounters"]["nodes"]
    return {claim["accountNumber"]: claim for visit in visits for claim in visit["claims"]["nodes"]}


def value(money):
    return Decimal(money["value"])


def test_every_payment_is_with_its_visit_s_claim_and_comes_out_as_its_files_do(
    demo, launch_patient
):
    ids = next(p["ids"] for p in demo.sandbox.truth["people"] if p["number"] == 0)
    paid, explained = paid_by_account(demo), explained_by_account(demo, ids["payer"])
    claims = reconciled(demo, launch_patient, persona="patient")
    assert claims.keys() == explained.keys()
    short = []
    for account, claim in claims.items():
        told, totals = paid.get(account, []), explained[account]
        assert value(claim["total"]) == totals["submitted"]
        (explanation,) = claim["explanations"]
        assert value(explanation["totals"]["benefit"]) == totals["benefit"]
        traces = sorted(each["payment"]["traceNumber"] for each in claim["remittances"])
        assert traces == sorted(each["trace"] for each in told)
        if not told:
            assert claim["reconciliation"] is None
            continue
        found = claim["reconciliation"]
        adjusted = [a for each in told for a in each["adjusted"]]
        assert value(found["charged"]) == totals["submitted"]
        assert value(found["paid"]) == sum(each["paid"] for each in told) == totals["benefit"]
        owed = sum(each["owed"] for each in told)
        assert value(found["patientResponsibility"]) == owed == totals["memberliability"]
        by_reason = defaultdict(Decimal)
        for group, reason, amount in adjusted:
            by_reason[group, reason] += amount
        shown = {(a["group"], a["reason"]): value(a["amount"]) for a in found["adjusted"]}
        assert shown == by_reason
        others = sum(amount for group, _, amount in adjusted if group != PATIENT_SHARE)
        assert value(found["allowed"]) == totals["submitted"] - others
        difference = totals["submitted"] - sum(a for *_, a in adjusted) - totals["benefit"]
        assert value(found["difference"]) == difference
        assert found["isBalanced"] is (difference == 0)
        if not found["isBalanced"]:
            short.append(claim)
            problems = {each["problem"] for each in found["findings"]}
            assert problems == {"CLAIM_UNBALANCED", "SERVICE_UNBALANCED"}
    (claim,) = short
    assert value(claim["reconciliation"]["difference"]) == Decimal(12)


def test_a_claim_of_the_payer_and_of_the_provider_s_file_is_one(demo, launch_patient):
    claims = reconciled(demo, launch_patient, persona="patient")
    both = [
        {(each["source"], each["method"]) for each in claim["provenance"]}
        for claim in claims.values()
        if claim["remittances"]
    ]
    assert len(both) > 1
    assert all(each == {("payer", "FHIR_READ"), ("clearinghouse", "X12")} for each in both)


def test_a_payment_that_was_taken_back_and_made_again_is_shown_with_all_three(demo, launch_patient):
    claims = reconciled(demo, launch_patient, persona="patient")
    told = [
        [(each["status"], each["isReversal"]) for each in claim["remittances"]]
        for claim in claims.values()
    ]
    (again,) = (each for each in told if len(each) > 1)
    assert sorted(again) == [("1", False), ("1", False), ("22", True)]


def test_the_biller_sees_what_is_not_sensitive_and_clinicians_no_amounts(demo, launch_patient):
    own = reconciled(demo, launch_patient, persona="patient")
    billed = reconciled(demo, launch_patient)
    assert billed.keys() < own.keys()
    assert all(claim["total"] for claim in billed.values())
    whole = [r["payment"] for claim in billed.values() for r in claim["remittances"]]
    assert whole
    assert all(each["amount"] and value(each["difference"]) == 0 for each in whole)
    others = [r["payment"]["amount"] for claim in own.values() for r in claim["remittances"]]
    assert set(others) == {None}, "the rest of a transfer is other patients'"
    seen = reconciled(demo, launch_patient, persona="clinician")
    assert seen.keys() == billed.keys()
    for claim in seen.values():
        hidden = [claim["total"], claim["remittances"], claim["reconciliation"]]
        assert hidden == [None, None, None]


def test_it_takes_one_call_per_source_and_type_however_many_claims(demo, launch_patient):
    reconciled(demo, launch_patient, persona="patient")
    demo.sandbox.reset_calls()
    reconciled(demo, launch_patient, persona="patient")
    calls = upstream_calls(demo)
    assert calls == {
        **{(ehr, "Encounter"): 1 for ehr in EHRS},
        ("payer", "Claim"): 1,
        ("payer", "ExplanationOfBenefit"): 1,
    }


def test_a_claim_leads_back_to_its_visit(demo, launch_patient):
    query = """query ($id: ID!) { patient(id: $id) { claims(first: 100) { nodes {
      accountNumber encounter { id claims { nodes { accountNumber } } } } } } }"""
    answer = demo.ask(query, {"id": launch_patient}, persona="patient")
    assert "errors" not in answer, answer["errors"]
    nodes = answer["data"]["patient"]["claims"]["nodes"]
    assert nodes
    for node in nodes:
        (claim,) = node["encounter"]["claims"]["nodes"]
        assert claim["accountNumber"] == node["accountNumber"]
