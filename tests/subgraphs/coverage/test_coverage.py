"""Coverages and eligibility as the graph shows them."""

import httpx2
import pytest

from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.connectors.x12.payer import Payer as Desk
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    BENEFITS,
    BILLER,
    CLINICIAN,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    coverage,
    member,
)

NODES = "coverages { nodes { %s } sources { source state } }"
ELIGIBILITY = (
    "eligibility { active plan deductible { total { value currency } remaining { value } "
    "met { value } } copay { value } rejections asOf }"
)


def subgraph(*rows: dict, desk: Desk | None = None) -> CoverageSubgraph:
    return CoverageSubgraph(Ehr([PAYER_ORGANIZATION, *rows]), desk or Desk({}))


def nodes(answer, at=0) -> list[dict]:
    return answer["data"]["_entities"][at]["coverages"]["nodes"]


async def test_shows_a_coverage():
    selection = NODES % (
        "id status plan subscriberId payer { name } period { start end } "
        "relationship { coding { code } } provenance { source method } securityLabels { code }"
    )
    answer = await subgraph(coverage("ada")).patients(selection, "ada")
    assert "errors" not in answer
    (node,) = nodes(answer)
    assert node.pop("id")
    assert node == {
        "status": "active",
        "plan": "Gold",
        "subscriberId": "M-ada",
        "payer": {"name": "Meadow Mutual"},
        "period": {"start": "2026-01-01", "end": None},
        "relationship": None,
        "provenance": [{"source": "payer", "method": "FHIR_READ"}],
        "securityLabels": [],
    }
    sources = answer["data"]["_entities"][0]["coverages"]["sources"]
    assert sources == [{"source": "payer", "state": "OK"}]
    assert answer["report"].patients == ("ada",)


async def test_what_is_in_force_comes_first_and_errors_not_at_all():
    rows = [
        coverage("ada", "old", period={"start": "2020-01-01"}),
        coverage("ada", "ended", status="cancelled", period={"start": "2026-06-01"}),
        coverage("ada", "new", period={"start": "2026-01-01"}),
        coverage("ada", "mistake", status="entered-in-error"),
    ]
    answer = await subgraph(*rows).patients(NODES % "status period { start }", "ada")
    assert [node["period"]["start"] for node in nodes(answer)] == [
        "2026-01-01",
        "2020-01-01",
        "2026-06-01",
    ]


@pytest.mark.parametrize(
    ("payor", "expected"),
    [
        ([{"reference": "Organization/o1"}], {"name": "Meadow Mutual"}),
        ([{"display": "Somebody"}], {"name": "Somebody"}),
        ([{"reference": "Patient/p-ada"}], None),
        ([{"reference": "Organization/gone"}], None),
        ([{"reference": "#within"}], {"name": "Within"}),
        ([{"reference": "#herself"}], {"name": "Ada Lovelace"}),
        ([{"reference": "#nobody"}], None),
        ([], None),
    ],
)
async def test_names_the_payer(payor, expected):
    contained = [
        {"resourceType": "Organization", "id": "within", "name": "Within"},
        {"resourceType": "Patient", "id": "herself", "name": [{"text": "Ada Lovelace"}]},
    ]
    graph = subgraph(coverage("ada", payor=payor, contained=contained))
    answer = await graph.patients(NODES % "payer{name}", "ada")
    assert nodes(answer) == [{"payer": expected}]


@pytest.mark.parametrize(
    ("caller", "shown"), [(BILLER, "M-ada"), (ADA_HERSELF, "M-ada"), (CLINICIAN, None)]
)
async def test_the_subscriber_id_is_for_billing_and_the_patient(caller, shown):
    answer = await subgraph(coverage("ada")).patients(NODES % "subscriberId", "ada", caller=caller)
    assert nodes(answer) == [{"subscriberId": shown}]
    reasons = [(refusal.type, refusal.reason) for refusal in answer["report"].refusals]
    assert reasons == ([] if shown else [("Coverage", "role")])


async def test_a_patient_sees_no_one_elses_coverage():
    answer = await subgraph(coverage("bob")).patients(NODES % "status", "bob", caller=ADA_HERSELF)
    assert nodes(answer) == []
    assert answer["report"].patients == ()
    assert [r.reason for r in answer["report"].refusals] == ["compartment"]


async def test_reads_a_payers_answer_exactly():
    graph = subgraph(coverage("ada"), member("ada"), desk=Desk({"M-ada": BENEFITS}))
    answer = await graph.patients(NODES % ELIGIBILITY, "ada")
    assert nodes(answer) == [
        {
            "eligibility": {
                "active": True,
                "plan": "GOLD",
                "deductible": {
                    "total": {"value": "1500.00", "currency": "USD"},
                    "remaining": {"value": "400.50"},
                    "met": {"value": "1099.50"},
                },
                "copay": None,
                "rejections": [],
                "asOf": "2026-11-22T00:00:00Z",
            }
        }
    ]
    assert b"NM1*IL*1*LOVELACE*ADA****MI*M-ada~DMG*D8*19500102~" in graph.desk.received[0]


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        pytest.param(
            {"identifier": [{"type": {"coding": [{"code": "MB"}]}, "value": "M-ada-01"}]},
            b"NM1*IL*1*LOVELACE*ADA****MI*M-ada-01~",
            id="a number of her own",
        ),
        pytest.param(
            {"relationship": {"coding": [{"code": "child"}]}},
            b"NM1*03*1*LOVELACE*ADA~",
            id="a dependent",
        ),
        pytest.param(
            {"relationship": {"coding": [{"code": "self"}]}},
            b"NM1*IL*1*LOVELACE*ADA****MI*M-ada~",
            id="the subscriber",
        ),
    ],
)
async def test_asks_about_the_member_as_the_payer_knows_them(fields, written):
    graph = subgraph(coverage("ada", **fields), member("ada"))
    await graph.patients(NODES % "eligibility { active }", "ada")
    assert written in graph.desk.received[0]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([coverage("ada", subscriberId=None), member("ada")], id="no number"),
        # Her number alone would ask about the subscriber, and answer for her.
        pytest.param(
            [coverage("ada", relationship={"coding": [{"code": "child"}]})], id="unknown dependent"
        ),
    ],
)
async def test_who_cannot_be_told_apart_is_not_asked_about(rows):
    graph = subgraph(*rows)
    answer = await graph.patients(NODES % "eligibility { active }", "ada")
    assert nodes(answer) == [{"eligibility": None}]
    assert graph.desk.received == []


async def test_fifty_patients_take_as_many_calls_as_one():
    names = [f"n{number}" for number in range(50)]
    rows = [row for name in names for row in (coverage(name), member(name))]
    graph = subgraph(*rows, desk=Desk({f"M-{name}": BENEFITS for name in names}))
    selection = NODES % (
        'payer { name } eligibility { active } visit: eligibility(serviceType: "98") { active }'
    )
    answer = await graph.patients(selection, *names)
    assert "errors" not in answer
    assert all(nodes(answer, at)[0]["eligibility"]["active"] for at in range(50))
    # Coverages, their one payer, the members; and one interchange for a hundred inquiries.
    assert (graph.ehr.data_calls, len(graph.desk.received)) == (3, 1)


async def test_a_desk_that_is_down_leaves_the_rest():
    class Down(Desk):
        network = httpx2.MockTransport(
            lambda _: httpx2.Response(503, headers={"Retry-After": "99"})
        )

    graph = subgraph(coverage("ada"), member("ada"), desk=Down({}))
    answer = await graph.patients(NODES % "plan eligibility { active }", "ada")
    assert nodes(answer) == [{"plan": "Gold", "eligibility": None}]
    (error,) = answer["errors"]
    assert error["path"][-1] == "eligibility"
    extensions = error["extensions"]
    assert (extensions["code"], extensions["source"]) == ("SOURCE_UNAVAILABLE", "payer-x12")
    assert extensions["retryAfter"] == 99


async def test_a_member_the_payer_does_not_find():
    graph = subgraph(coverage("ada"), member("ada"))
    answer = await graph.patients(NODES % "eligibility { active rejections }", "ada")
    assert nodes(answer) == [{"eligibility": {"active": None, "rejections": ["75"]}}]


@pytest.mark.parametrize("code", ["", "ABC", "3~", "30*"])
async def test_a_service_type_is_a_code(code):
    graph = subgraph(coverage("ada"), member("ada"))
    selection = NODES % f'eligibility(serviceType: "{code}") {{ active }}'
    assert nodes(await graph.patients(selection, "ada")) == [{"eligibility": None}]
    assert graph.desk.received == []


async def test_a_coverage_is_found_by_its_id():
    graph = subgraph(coverage("ada"), member("ada"))
    (node,) = nodes(await graph.patients(NODES % "id", "ada"))
    one = {"__typename": "Coverage", "id": node["id"]}
    answer = await graph.entities(
        "... on Coverage { plan subscriberId }",
        one,
        {"__typename": "Coverage", "id": "nonsense"},
        caller=ADA_HERSELF,
    )
    assert answer["data"]["_entities"] == [{"plan": "Gold", "subscriberId": "M-ada"}, None]
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
