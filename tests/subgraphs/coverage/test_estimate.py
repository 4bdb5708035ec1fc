"""What a service would cost: every cent is the member's or the plan's, and no limit is passed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.data.payer import COPAY, DEDUCTIBLE, OUT_OF_POCKET_LIMIT, Accumulator
from subgraphs.connectors.x12.eligibility import Amounts, Eligibility
from subgraphs.coverage.model.estimate import CENT, estimate
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.connectors.x12.payer import Payer as Desk
from tests.subgraphs.coverage.graph import (
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    coverage,
    member,
)


def dollars(cents: int) -> Decimal:
    return Decimal(cents) / 100


def told(met: int = 0, spent: int = 0, **more: object) -> Eligibility:
    usual = {
        "active": True,
        "deductible": Amounts(remaining=dollars(DEDUCTIBLE - met)),
        "out_of_pocket": Amounts(remaining=dollars(OUT_OF_POCKET_LIMIT - spent)),
        "copay": dollars(COPAY),
        "coinsurance": Decimal("0.2"),
    }
    return Eligibility(**{**usual, **more})


@given(st.integers(0, DEDUCTIBLE), st.integers(0, OUT_OF_POCKET_LIMIT), st.integers(0, 10**7))
def test_it_is_what_the_sandbox_s_payer_decides(met, more, allowed):
    spent = min(met + more, OUT_OF_POCKET_LIMIT)
    share = Accumulator(met, spent).divide(allowed)
    found = estimate(told(met, spent), dollars(allowed))
    assert found is not None
    assert found.is_complete
    assert found.deductible == dollars(min(share.deductible, OUT_OF_POCKET_LIMIT - spent))
    assert found.member + found.plan == found.allowed == dollars(allowed)
    assert 0 <= found.member <= dollars(OUT_OF_POCKET_LIMIT - spent)
    if share.deductible <= OUT_OF_POCKET_LIMIT - spent:
        assert 0 <= found.member - dollars(share.member) <= CENT


def test_half_a_cent_is_rounded_up():
    found = estimate(told(DEDUCTIBLE, copay=None, coinsurance=Decimal("0.25")), Decimal("0.10"))
    assert (found.coinsurance, found.plan) == (Decimal("0.03"), Decimal("0.07"))


@pytest.mark.parametrize(
    ("more", "member", "complete"),
    [
        ({"out_of_pocket": None}, "1720.00", False),
        ({"copay": None}, "1700.00", True),
        ({"deductible": None}, "520.00", False),
        ({"deductible": Amounts(total=Decimal(100))}, "600.00", True),
    ],
)
def test_what_is_not_told_counts_as_nothing_and_is_said(more, member, complete):
    found = estimate(told(**more), Decimal(2500))
    assert (found.member, found.is_complete) == (Decimal(member), complete)


@pytest.mark.parametrize(
    "said",
    [
        told(active=False),
        told(active=None),
        Eligibility(rejections=("75",)),
        Eligibility(active=True, out_of_pocket=Amounts(remaining=Decimal(5))),
    ],
)
def test_where_the_payer_does_not_say_that_it_pays_there_is_none(said):
    assert estimate(said, Decimal(100)) is None


@pytest.mark.parametrize("allowed", ["-1", "0.001", "10000000.01", "1e-9"])
async def test_of_no_amount_of_money_there_is_none(allowed):
    graph = CoverageSubgraph(Ehr([PAYER_ORGANIZATION, coverage("ada"), member("ada")]))
    selection = f'coverages {{ nodes {{ costEstimate(allowed: "{allowed}") {{ asOf }} }} }}'
    answer = await graph.patients(selection, "ada")
    assert [found["coverages"]["nodes"] for found in answer["data"]["_entities"]] == [
        [{"costEstimate": None}]
    ]
    assert "errors" not in answer
    assert graph.desk.received == []


async def test_it_comes_of_the_same_answer_as_eligibility():
    said = ["EB*1**98", "EB*C*IND*98***29*40.50*****Y", "EB*B*IND*98***27*25****Y*Y"]
    rows = [PAYER_ORGANIZATION, coverage("ada"), member("ada")]
    graph = CoverageSubgraph(Ehr(rows), Desk({"M-ada": said}))
    selection = """coverages { nodes { eligibility(serviceType: "98") { active }
      costEstimate(allowed: "187.35", serviceType: "98") { patientPays { value currency }
        planPays { value } isComplete asOf } } }"""
    answer = await graph.patients(selection, "ada")
    (node,) = answer["data"]["_entities"][0]["coverages"]["nodes"]
    assert node["costEstimate"] == {
        "patientPays": {"value": "65.50", "currency": "USD"},
        "planPays": {"value": "121.85"},
        "isComplete": False,
        "asOf": "2026-11-22T00:00:00Z",
    }
    assert len(graph.desk.received) == 1
