"""Explanations of benefit add up, and agree with what eligibility says."""

from decimal import Decimal

import pytest

from sandbox.data.payer import DEDUCTIBLE, OUT_OF_POCKET_LIMIT, Accumulator


def of(population, type_):
    return [r for r in population.resources["payer"] if r["resourceType"] == type_]


def adjudication(amounts):
    return {a["category"]["coding"][0]["code"]: a["amount"]["value"] for a in amounts}


def test_each_explanation_adds_up(population):
    for explanation in of(population, "ExplanationOfBenefit"):
        found = adjudication(explanation["total"])
        assert adjudication(explanation["item"][0]["adjudication"]) == found
        share = found["deductible"] + found["copay"] + found["coinsurance"]
        assert share == found["memberliability"]
        assert share + found["benefit"] == found["eligible"]
        assert found["eligible"] < found["submitted"]
        assert explanation["payment"]["amount"]["value"] == found["benefit"]


def test_each_explanation_is_of_a_claim(population):
    billed = [c for c in of(population, "Claim") if c["use"] == "claim"]
    claims = {f"Claim/{c['id']}": c for c in billed}
    explanations = of(population, "ExplanationOfBenefit")
    assert len(claims) == len(explanations) > 200
    for explanation in explanations:
        claim = claims[explanation["claim"]["reference"]]
        assert claim["patient"] == explanation["patient"]
        assert claim["total"]["value"] == adjudication(explanation["total"])["submitted"]
        assert claim["diagnosis"] == explanation["diagnosis"]


def test_what_is_met_is_what_this_years_explanations_say(population):
    members = {c["beneficiary"]["reference"]: c["subscriberId"] for c in of(population, "Coverage")}
    met = {member.member_id: [Decimal(0), Decimal(0)] for member in population.members}
    for explanation in of(population, "ExplanationOfBenefit"):
        if explanation["billablePeriod"]["start"] >= "2026":
            found = adjudication(explanation["total"])
            mine = met[members[explanation["patient"]["reference"]]]
            mine[0] += found["deductible"]
            mine[1] += found["memberliability"]
    for member in population.members:
        cents = [member.met.deductible_met, member.met.out_of_pocket_met]
        assert met[member.member_id] == [Decimal(c) / 100 for c in cents]
    assert any(deductible for deductible, _ in met.values())


def test_nothing_is_paid_after_coverage_ends(population):
    ended = {
        c["beneficiary"]["reference"]: c["period"]["end"]
        for c in of(population, "Coverage")
        if c["status"] == "cancelled"
    }
    assert ended
    for explanation in of(population, "ExplanationOfBenefit"):
        until = ended.get(explanation["patient"]["reference"], "9999")
        assert explanation["billablePeriod"]["start"] <= until


def test_member_numbers_are_the_coverages(population):
    numbers = {c["subscriberId"] for c in of(population, "Coverage")}
    assert numbers == {member.member_id for member in population.members}
    assert len(numbers) == len(of(population, "Patient"))


@pytest.mark.parametrize(
    ("allowed", "deductible", "copay", "coinsurance", "benefit"),
    [
        (1000_00, 1000_00, 0, 0, 0),
        (1500_00, 1500_00, 0, 0, 0),
        (1510_00, 1500_00, 10_00, 0, 0),
        (1725_00, 1500_00, 25_00, 40_00, 160_00),
        (100_000_00, 1500_00, 25_00, 3475_00, 95_000_00),
    ],
)
def test_divides_an_amount(allowed, deductible, copay, coinsurance, benefit):
    met = Accumulator()
    share = met.divide(allowed)
    assert (share.deductible, share.copay, share.coinsurance, share.benefit) == (
        deductible,
        copay,
        coinsurance,
        benefit,
    )
    assert (met.deductible_met, met.out_of_pocket_met) == (deductible, share.member)


def test_nobody_pays_more_than_the_limits():
    met = Accumulator()
    for _ in range(100):
        met.divide(900_00)
    assert (met.deductible_met, met.out_of_pocket_met) == (DEDUCTIBLE, OUT_OF_POCKET_LIMIT)
    assert met.divide(900_00).benefit == 900_00
