"""The sums of a year, by coverage, beside what the payer says is left."""

from __future__ import annotations

import pytest

from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    BILLER,
    CLINICIAN,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    amounts,
    coverage,
    explanation,
)

SUMS = "year claims deductible { value currency } outOfPocket { value } paid { value }"
UNDER = {"insurance": [{"focal": True, "coverage": {"reference": "Coverage/c-ada"}}]}
SHARES = {"deductible": "100.5", "copay": "25", "coinsurance": "10.25", "benefit": "200"}


async def year_to_date(*rows, caller=BILLER, argument=""):
    graph = CoverageSubgraph(Ehr([PAYER_ORGANIZATION, coverage("ada"), *rows]))
    selection = f"coverages {{ nodes {{ yearToDate{argument} {{ {SUMS} }} }} }}"
    answer = await graph.patients(selection, "ada", caller=caller)
    assert "errors" not in answer
    (node,) = answer["data"]["_entities"][0]["coverages"]["nodes"]
    return node["yearToDate"]


def decided(id_, day="2026-02-03", **more):
    return explanation("ada", id_, day, **{"total": amounts(**SHARES), **UNDER, **more})


@pytest.mark.parametrize("caller", [BILLER, ADA_HERSELF])
async def test_the_year_s_claims_of_the_coverage_are_summed(caller):
    told = await year_to_date(
        decided("e1"),
        decided("e2", "2026-12-31"),
        decided("last", "2025-12-31"),
        decided("cancelled", status="cancelled"),
        decided("asked", use="preauthorization"),
        decided("other", insurance=[{"coverage": {"reference": "Coverage/c-2"}}]),
        caller=caller,
    )
    assert told == {
        "year": 2026,
        "claims": 2,
        "deductible": {"value": "201.0", "currency": "USD"},
        "outOfPocket": {"value": "271.50"},
        "paid": {"value": "400.0"},
    }


async def test_another_year_may_be_asked_for():
    told = await year_to_date(decided("e1", "2025-05-01"), argument="(year: 2025)")
    assert (told["year"], told["claims"]) == (2025, 1)


async def test_the_liability_counts_where_no_shares_are_told():
    told = await year_to_date(decided("e1", total=amounts(memberliability="30.5", benefit="1")))
    assert (told["deductible"]["value"], told["outOfPocket"]["value"]) == ("0", "30.5")


async def test_the_sums_are_nobody_else_s():
    assert await year_to_date(decided("e1"), caller=CLINICIAN) is None
