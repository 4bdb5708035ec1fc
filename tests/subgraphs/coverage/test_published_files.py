"""The published X12 files go through the inbox into the graph, and tell there what they say."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from subgraphs.connectors.inbox.deliveries import read_delivery
from subgraphs.connectors.inbox.store import inbox_url, open_inbox
from subgraphs.runtime.crosswalk import Link
from tests.shared_data import shared_data
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.coverage.graph import BILLER, CoverageSubgraph

FACTS = Path(__file__).parents[1] / "connectors" / "x12" / "facts" / "expected.yaml"
EXPECTED: dict[str, list[dict[str, Any]]] = {
    name: documents
    for name, documents in yaml.safe_load(FACTS.read_text()).items()
    if name.endswith((".837", ".837i", ".835", ".277"))
}
CLAIM = """claims { nodes { accountNumber payerClaimNumbers type { coding { code } }
  total { value } billablePeriod { start end } diagnoses { coding { code } }
  items { service { coding { code } } revenue { coding { code } } modifiers { coding { code } }
    net { value } quantity }
  remittances { status charged { value } paid { value } patientResponsibility { value }
    adjustments { group reason amount { value } }
    services { service { coding { code } } charged { value } paid { value } date
      adjustments { group reason amount { value } } }
    payment { traceNumber method date payer amount { value }
      adjustments { reason amount { value } } } }
  reconciliation { isBalanced }
  reportedStatuses { payerClaimNumber codes { category code entity } } } }"""

pytestmark = pytest.mark.shared_data


async def pushed(name: str, folder: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The claims of everyone in a file, and what of it was left out."""
    content = (shared_data("x12", "lfh") / name).read_bytes()
    store = await open_inbox(inbox_url(folder), b"k" * 32)
    graph = CoverageSubgraph(Ehr([]), store=store)
    delivery = read_delivery(content, graph.inbox, store).delivery
    assert await store.take(graph.inbox.id, delivery)
    people = sorted({r["id"] for r in delivery.resources if r["resourceType"] == "Patient"})
    graph.members = {id_: {Link(graph.inbox.id, id_)} for id_ in people}
    claims: list[dict[str, Any]] = []
    if people:
        answer = await graph.patients(CLAIM, *people, caller=BILLER)
        assert "errors" not in answer
        claims = [node for one in answer["data"]["_entities"] for node in one["claims"]["nodes"]]
    await store.close()
    return claims, dict(delivery.left_out)


def of_kind(suffix: str) -> list[str]:
    return [name for name in EXPECTED if name.endswith(suffix)]


@pytest.mark.parametrize("name", [*of_kind(".837"), *of_kind(".837i")])
async def test_a_claim_says_what_its_file_does(name, tmp_path):
    claims, left_out = await pushed(name, tmp_path)
    assert left_out == {}
    shown = {claim["accountNumber"]: claim for claim in claims}
    assert shown.keys() == {told["account"] for told in EXPECTED[name]}
    for told in EXPECTED[name]:
        claim = shown[told["account"]]
        assert claim["type"]["coding"][0]["code"] == told["kind"]
        assert Decimal(claim["total"]["value"]) == Decimal(told["charged"])
        codes = [concept["coding"][0]["code"] for concept in claim["diagnoses"]]
        assert [code.replace(".", "") for code in codes] == told["diagnoses"]
        if "statement" in told:
            period = claim["billablePeriod"]
            assert f"{period['start']}/{period['end']}" == told["statement"]
        assert len(claim["items"]) == len(told["lines"])
        for item, line in zip(claim["items"], told["lines"], strict=True):
            revenue = [item["revenue"]["coding"][0]["code"]] if item["revenue"] else []
            modifiers = [each["coding"][0]["code"] for each in item["modifiers"]]
            words = [*revenue, item["service"]["coding"][0]["code"], *modifiers]
            parts = line.split()
            assert parts[: len(words)] == words
            assert Decimal(parts[len(words)]) == Decimal(item["net"]["value"])


@pytest.mark.parametrize("name", of_kind(".835"))
async def test_a_remittance_says_what_its_file_does(name, tmp_path):
    claims, left_out = await pushed(name, tmp_path)
    (told,) = EXPECTED[name]
    shown = {claim["accountNumber"]: claim for claim in claims}
    without_number = left_out.get("claim without a member number", 0)
    assert len(shown) == len(told["claims"]) - without_number
    for line in told["claims"]:
        account, status, charged, paid, owes, *_ = line.split()
        if account not in shown:
            continue
        (remitted,) = shown[account]["remittances"]
        assert remitted["status"] == status
        sums = [remitted[n]["value"] for n in ("charged", "paid", "patientResponsibility")]
        assert list(map(Decimal, sums)) == list(map(Decimal, (charged, paid, owes)))
        payment = remitted["payment"]
        assert payment["traceNumber"] == told["trace"]
        amount, method, *day = told["paid"].split()
        assert (Decimal(payment["amount"]["value"]), payment["method"]) == (Decimal(amount), method)
        assert payment["date"] == (day[0] if day else None)
    found = [
        f"{each['group']} {each['reason']} {each['amount']['value']}"
        for claim in claims
        for remitted in claim["remittances"]
        for each in [
            *remitted["adjustments"],
            *(a for service in remitted["services"] for a in service["adjustments"]),
        ]
    ]
    assert without_number or sorted(found) == sorted(told["adjustments"])
    unbalanced = [claim for claim in claims if not claim["reconciliation"]["isBalanced"]]
    assert bool(unbalanced) is bool(told.get("imbalances"))


@pytest.mark.parametrize("name", of_kind(".277"))
async def test_a_status_says_what_its_file_does(name, tmp_path):
    claims, left_out = await pushed(name, tmp_path)
    of_claims = [told for told in EXPECTED[name] if "payer_claim" in told or "account" in told]
    shown = {
        status["payerClaimNumber"]: status
        for claim in claims
        for status in claim["reportedStatuses"]
    }
    assert len(shown) == len(of_claims)
    assert left_out.get("status of no claim", 0) == len(EXPECTED[name]) - len(of_claims)
    for told in of_claims:
        codes = shown[told["payer_claim"]]["codes"]
        words = [
            ":".join(part for part in (c["category"], c["code"], c["entity"]) if part)
            for c in codes
        ]
        assert words == [each.split()[0] for each in told["statuses"]]
