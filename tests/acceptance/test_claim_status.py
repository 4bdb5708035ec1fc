"""Where claims stand, by the payer's SOAP portal, against the X12 files and the payer's claims."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.acceptance.test_billing import explained_by_account, paid_by_account
from tests.acceptance.test_whole_path import upstream_calls

PORTAL = ("payer-core", "276 in SOAP")


@pytest.fixture
def patient(demo):
    return demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]


def claims(demo, patient, persona="patient"):
    answer = demo.run("claim-status", persona=persona, id=patient, first=100)
    return answer["data"]["patient"]["claims"]["nodes"], answer.get("errors", [])


def test_every_claim_stands_as_its_payment_says(demo, patient):
    ids = next(p["ids"] for p in demo.sandbox.truth["people"] if p["number"] == 0)
    paid, explained = paid_by_account(demo), explained_by_account(demo, ids["payer"])
    found, errors = claims(demo, patient)
    assert not errors
    assert {each["accountNumber"] for each in found} == explained.keys()
    compared = 0
    for claim in found:
        (said,) = claim["liveStatuses"]
        totals = explained[claim["accountNumber"]]
        assert said["source"] == "payer-core"
        assert Decimal(said["charged"]["value"]) == totals["submitted"]
        assert Decimal(claim["total"]["value"]) == totals["submitted"]
        told = paid.get(claim["accountNumber"])
        if told is None:
            continue
        # Of several payments one may have been taken back: what is paid is what all come to.
        assert Decimal(said["paid"]["value"]) == sum(each["paid"] for each in told)
        assert {code["category"] for code in said["codes"]} == {"F1"}
        (line,) = said["lines"]
        assert line["paid"] == said["paid"]
        compared += 1
    assert compared > 1


def test_however_many_claims_the_payer_is_asked_once(demo, patient):
    claims(demo, patient)
    demo.sandbox.reset_calls()
    found, _ = claims(demo, patient)
    assert len(found) > 1
    assert upstream_calls(demo) == {
        ("payer", "Claim"): 1,
        ("payer", "Coverage"): 1,
        ("payer", "Patient"): 1,
        ("payer", "Organization"): 1,
        PORTAL: 1,
    }


def test_the_biller_sees_amounts_and_clinicians_where_it_stands_alone(demo, patient):
    billed, _ = claims(demo, patient, "biller")
    seen, _ = claims(demo, patient, "clinician")
    assert [each["id"] for each in billed] == [each["id"] for each in seen]
    for one, other in zip(billed, seen, strict=True):
        assert one["liveStatuses"][0]["charged"]
        (said,) = other["liveStatuses"]
        assert (said["charged"], said["paid"], said["lines"][0]["paid"]) == (None, None, None)
        assert said["codes"] == one["liveStatuses"][0]["codes"]


@pytest.mark.parametrize(
    ("outage", "code"),
    [
        ("503", "SOURCE_UNAVAILABLE"),
        ("soap-fault", "SOURCE_UNAVAILABLE"),
        ("x12-down", "SOURCE_UNAVAILABLE"),
        ("x12-999", "SOURCE_PROTOCOL_VIOLATION"),
        ("doctype", "SOURCE_PROTOCOL_VIOLATION"),
        ("truncated", "SOURCE_PROTOCOL_VIOLATION"),
    ],
)
def test_a_portal_that_fails_costs_the_statuses_alone(demo, patient, outage, code):
    with demo.sandbox.broken("payer-core", outage=outage):
        found, errors = claims(demo, patient)
    assert found
    assert {each["liveStatuses"] for each in found} == {None}
    assert all(each["total"] for each in found)
    told = {(each["extensions"]["code"], each["extensions"]["source"]) for each in errors}
    assert told in ({(code, "payer-core")}, {("SOURCE_OPEN_CIRCUIT", "payer-core")})


def test_answers_about_somebody_else_are_not_believed(demo, patient):
    with demo.sandbox.broken("payer-core", outage="x12-another"):
        found, errors = claims(demo, patient)
    assert not errors
    assert found
    assert all(each["liveStatuses"] == [] for each in found)
