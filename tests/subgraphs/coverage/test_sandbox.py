"""Coverage over the sandbox's payer: FHIR and X12 agree, few calls, outages told."""

from decimal import Decimal

from contract.context import Caller
from tests.subgraphs.coverage.graph import BILLER, CLINICIAN

BENEFITS = """... on Patient { coverages {
  nodes { status plan subscriberId payer { name }
    eligibility { active deductible { total { value } remaining { value } met { value } }
                  outOfPocket { met { value } } copay { value } coinsurance rejections } }
  sources { source state } } }"""
BILLED = """... on Patient { explanationsOfBenefit(first: 200) { nodes {
  billablePeriod { start } totals { deductible { value } copay { value } coinsurance { value }
  memberLiability { value } } } } }"""
BILLING = Caller(subject="b", roles=("biller",), scopes=(*BILLER.scopes, "user/Claim.rs"))


async def test_fifty_patients_take_four_calls(graph, calm_sandbox):
    patients = await graph.patients(50)
    calm_sandbox.reset_calls()
    answer = await graph.entities("coverage", BENEFITS, *patients, caller=BILLING)
    assert not answer.errors
    nodes = [node for patient in answer.data for node in patient["coverages"]["nodes"]]
    assert len(nodes) >= 30
    assert {node["payer"]["name"] for node in nodes} == {"Meadow Mutual"}
    assert all(node["subscriberId"] for node in nodes)
    calls = calm_sandbox.calls()
    asked = [calls["payer"]["calls"].get(kind, {}) for kind in ("search", "batch")]
    # Coverages, their payer, the members by FHIR; every inquiry in one interchange.
    assert sum(count for counts in asked for count in counts.values()) == 3
    assert calls["payer-x12"]["total"] == 1


async def test_eligibility_and_explanations_tell_the_same_story(graph, calm_sandbox):
    patients = await graph.patients(50)
    covered = await graph.entities("coverage", BENEFITS, *patients, caller=BILLING)
    billed = await graph.entities("coverage", BILLED, *patients, caller=BILLING)
    year = calm_sandbox.ready["today"][:4]
    equal = 0
    for patient, claims in zip(covered.data, billed.data, strict=True):
        paid = deductible_of(claims["explanationsOfBenefit"]["nodes"], year)
        for node in patient["coverages"]["nodes"]:
            if node["eligibility"]["active"]:
                met = Decimal(node["eligibility"]["deductible"]["met"]["value"])
                # A claim with a sensitive label counts, but is not shown to billing.
                assert paid <= met
                equal += paid == met > 0
    assert equal >= 10


def deductible_of(claims: list[dict], year: str) -> Decimal:
    amounts = [
        Decimal(claim["totals"]["deductible"]["value"])
        for claim in claims
        if claim["billablePeriod"]["start"].startswith(year)
    ]
    return sum(amounts, Decimal(0))


async def test_a_desk_that_is_down_leaves_what_the_payer_keeps_by_fhir(graph, calm_sandbox):
    patients = await graph.patients(5)
    with calm_sandbox.broken("payer-x12", outage="503"):
        answer = await graph.entities("coverage", BENEFITS, *patients, caller=BILLING)
    nodes = [node for patient in answer.data for node in patient["coverages"]["nodes"]]
    assert nodes
    assert all(node["plan"] and node["eligibility"] is None for node in nodes)
    assert set(answer.codes) == {"SOURCE_UNAVAILABLE"}


async def test_a_payer_that_is_down_is_an_error_in_its_place(graph, calm_sandbox):
    (patient,) = await graph.patients(1)
    with calm_sandbox.broken("payer", outage="503"):
        answer = await graph.entities("coverage", BENEFITS, patient, caller=BILLING)
    assert answer.data == [{"coverages": None}]
    assert answer.codes == ["SOURCE_UNAVAILABLE"]
    assert answer.errors[0]["extensions"]["source"] == "payer"


async def test_clinicians_see_that_there_is_a_coverage_and_no_number(graph):
    patients = await graph.patients(10)
    answer = await graph.entities("coverage", BENEFITS, *patients, caller=CLINICIAN)
    nodes = [node for patient in answer.data for node in patient["coverages"]["nodes"]]
    assert nodes
    assert {node["subscriberId"] for node in nodes} == {None}
    assert [refusal.reason for refusal in answer.report.refusals if refusal.reason != "role"] == []
