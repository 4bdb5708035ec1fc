"""Explanations of benefit: amounts for whom they are for, exact, and CARIN's as well."""

import json

import msgspec
import pytest

from subgraphs.coverage.model.coverages import CoverageResource
from subgraphs.coverage.model.explanations import AMOUNT_CODES, ExplanationResource, amount_of
from subgraphs.runtime.sealing import IdSeal, RecordRef
from tests.shared_data import shared_data
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    BILLER,
    CLINICIAN,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    amounts,
    explanation,
)
from tests.subgraphs.signed import KEY

NODES = "explanationsOfBenefit { nodes { %s } }"
AMOUNTS = "submitted { value } allowed { value } copay { value } memberLiability { value }"
FULL = (
    f"outcome providerName totals {{ {AMOUNTS} }} payment {{ amount {{ value currency }} date }} "
    f"items {{ sequence service {{ text }} serviced {{ start end }} amounts {{ {AMOUNTS} }} }}"
)


def subgraph(*rows: dict) -> CoverageSubgraph:
    return CoverageSubgraph(Ehr([PAYER_ORGANIZATION, *rows]))


def nodes(answer) -> list[dict]:
    return answer["data"]["_entities"][0]["explanationsOfBenefit"]["nodes"]


@pytest.mark.parametrize("caller", [BILLER, ADA_HERSELF])
async def test_shows_what_a_payer_decided(caller):
    answer = await subgraph(explanation("ada", "e1")).patients(NODES % FULL, "ada", caller=caller)
    assert "errors" not in answer
    assert answer["report"].refusals == ()
    day = {"start": "2026-02-03", "end": "2026-02-03"}
    assert nodes(answer) == [
        {
            "outcome": "complete",
            "providerName": "Meadow Mutual",
            "totals": {
                "submitted": {"value": "380.6"},
                "allowed": {"value": "266.42"},
                "copay": None,
                "memberLiability": None,
            },
            "payment": {
                "amount": {"value": "241.42", "currency": "USD"},
                "date": "2026-02-12",
            },
            "items": [
                {
                    "sequence": 1,
                    "service": {"text": "visit"},
                    "serviced": day,
                    "amounts": {
                        "submitted": {"value": "380.6"},
                        "allowed": None,
                        "copay": {"value": "25.0"},
                        "memberLiability": None,
                    },
                }
            ],
        }
    ]


async def test_amounts_as_medicare_s_blue_button_names_them():
    cms = "https://bluebutton.cms.gov/resources/variables/line_"
    item = {
        "sequence": 1,
        "adjudication": amounts(**{f"{cms}sbmtd_chrg_amt": "380.6", f"{cms}alowd_chrg_amt": "9.5"}),
    }
    graph = subgraph(explanation("ada", "e1", item=[item]))
    answer = await graph.patients(NODES % f"items {{ amounts {{ {AMOUNTS} }} }}", "ada")
    ((item,),) = [node["items"] for node in nodes(answer)]
    assert item["amounts"]["submitted"] == {"value": "380.6"}
    assert item["amounts"]["allowed"] == {"value": "9.5"}


async def test_clinicians_see_no_amounts():
    answer = await subgraph(explanation("ada", "e1")).patients(
        NODES % FULL, "ada", caller=CLINICIAN
    )
    (node,) = nodes(answer)
    assert (node["totals"], node["payment"], node["items"][0]["amounts"]) == (None, None, None)
    assert node["outcome"] == "complete"
    assert [(r.type, r.reason) for r in answer["report"].refusals] == [
        ("ExplanationOfBenefit", "role")
    ]


async def test_the_latest_service_comes_first_and_pages_go_on():
    days = ["2026-01-01", "2026-03-01", "2026-02-01"]
    graph = subgraph(*(explanation("ada", f"e{n}", day) for n, day in enumerate(days)))
    selection = "explanationsOfBenefit(first: 2%s) { nodes { created billablePeriod { start } } "
    selection += "pageInfo { hasNextPage endCursor } }"
    answer = await graph.patients(selection % "", "ada")
    page = answer["data"]["_entities"][0]["explanationsOfBenefit"]
    assert [n["billablePeriod"]["start"] for n in page["nodes"]] == ["2026-03-01", "2026-02-01"]
    assert page["pageInfo"]["hasNextPage"]
    cursor = page["pageInfo"]["endCursor"]
    answer = await graph.patients(selection % f', after: "{cursor}"', "ada")
    assert [node["billablePeriod"]["start"] for node in nodes(answer)] == ["2026-01-01"]


async def test_an_explanation_is_found_by_its_id():
    graph = subgraph(explanation("ada", "e1"))
    (node,) = nodes(await graph.patients(NODES % "id", "ada"))
    answer = await graph.entities(
        f"... on ExplanationOfBenefit {{ totals {{ {AMOUNTS} }} }}",
        {"__typename": "ExplanationOfBenefit", "id": node["id"]},
        caller=ADA_HERSELF,
    )
    assert answer["data"]["_entities"][0]["totals"]["allowed"] == {"value": "266.42"}


async def test_labelled_explanations_are_closed_by_default():
    label = {"security": [{"system": "act", "code": "ETH"}]}
    graph = subgraph(explanation("ada", "e1", meta=label))
    assert nodes(await graph.patients(NODES % "id", "ada")) == []


@pytest.mark.shared_data
def test_reads_every_carin_example():
    names = ("eob_include_bundle", "eob_inpatient_example", "coverage_example")
    files = [shared_data("carin", f"c4bb_{name}.json") for name in names]
    roots = [json.loads(file.read_text()) for file in files]
    resources = [e["resource"] for root in roots for e in root.get("entry", [{"resource": root}])]
    explanations = [r for r in resources if r["resourceType"] == "ExplanationOfBenefit"]
    coverages = [r for r in resources if r["resourceType"] == "Coverage"]
    assert len(explanations) >= 2
    read = [msgspec.convert(wire, ExplanationResource) for wire in explanations]
    assert all(explanation.owner for explanation in read)
    totals = [explanation.totals for explanation in read if explanation.total]
    assert len(totals) >= 4
    assert all(amount_of(total, *AMOUNT_CODES["submitted"]) for total in totals)
    plans = [msgspec.convert(wire, CoverageResource).plan for wire in coverages]
    assert "GI8-HMO DEDUCTIBLE" in plans


async def test_what_was_asked_for_beforehand_is_a_prior_authorization_and_no_explanation():
    asked = explanation("ada", "asked", use="preauthorization")
    graph = CoverageSubgraph(Ehr([PAYER_ORGANIZATION, asked, explanation("ada", "decided")]))
    selection = "explanationsOfBenefit { nodes { id } } priorAuthorizations { nodes { id } }"
    answer = await graph.patients(selection, "ada")
    (patient,) = answer["data"]["_entities"]
    (decided,) = patient["explanationsOfBenefit"]["nodes"]
    (authorization,) = patient["priorAuthorizations"]["nodes"]
    assert graph.ehr.paths.count("ExplanationOfBenefit/_search") == 1
    ref = RecordRef("payer", "ExplanationOfBenefit", "asked", "p-ada")
    wanted = {"__typename": "ExplanationOfBenefit"}
    found = await graph.entities(
        "... on ExplanationOfBenefit { id }",
        {**wanted, "id": decided["id"]},
        {**wanted, "id": IdSeal(KEY).seal("coverage", ref)},
        {**wanted, "id": authorization["id"]},
        caller=BILLER,
    )
    assert found["data"]["_entities"] == [{"id": decided["id"]}, None, None]
