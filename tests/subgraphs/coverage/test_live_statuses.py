"""Where claims stand, asked of the payer now: all of them in one question, each by its numbers."""

from __future__ import annotations

from decimal import Decimal

import httpx2
import pytest

from contract.context import Caller
from subgraphs.connectors.inbox.store import inbox_url, open_inbox
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.connectors.x12.payer import StatusPayer
from tests.subgraphs.coverage.files import claim, claims, paid, remittance
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    BILLER,
    CLINICIAN,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    coverage,
    member,
)
from tests.subgraphs.coverage.test_claims import fhir_claim

STATUS = (
    "liveStatuses { codes { category code } effective charged { value } paid { value } finalized "
    "payerClaimNumber source asOf method lines { codes { code } } traceNumber }"
)
SAID = {"A-1": "F1:65*20260212**380.60*304.48*20260211"}


@pytest.fixture
async def store(tmp_path):
    opened = await open_inbox(inbox_url(tmp_path), b"k" * 32)
    yield opened
    await opened.close()


@pytest.fixture
def graph_of(store):
    def make(*rows, desk=None):
        people = (PAYER_ORGANIZATION, coverage("ada"), member("ada"))
        return CoverageSubgraph(
            Ehr([*people, *rows]), status_desk=desk or StatusPayer(SAID), store=store
        )

    return make


async def live(graph, *names, caller=BILLER, selection=STATUS):
    answer = await graph.patients(f"claims {{ nodes {{ {selection} }} }}", *names, caller=caller)
    assert "errors" not in answer, answer["errors"]
    return [
        [node["liveStatuses"] for node in patient["claims"]["nodes"]]
        for patient in answer["data"]["_entities"]
    ]


async def test_a_claim_is_asked_about_by_all_that_is_known_of_it(graph_of):
    graph = graph_of(fhir_claim(provider={"reference": "Organization/o2"}), PROVIDER)
    ((said,),) = await live(graph, "ada")
    (trace,) = (each.pop("traceNumber") for each in said)
    assert said == [
        {
            "codes": [{"category": "F1", "code": "65"}],
            "effective": "2026-02-12",
            "charged": {"value": "380.60"},
            "paid": {"value": "304.48"},
            "finalized": "2026-02-11",
            "payerClaimNumber": None,
            "source": "payer-x12",
            "asOf": "2026-11-22T00:00:00Z",
            "method": "X12",
            "lines": [],
        }
    ]
    (asked,) = graph.status_desk.asked
    assert asked.trace == trace
    assert (asked.account, asked.payer_claim, asked.charged) == ("A-1", "", Decimal("380.6"))
    assert (str(asked.dates.start), str(asked.dates.end)) == ("2026-02-03", "2026-02-03")
    assert (asked.subscriber.id, asked.patient.name, asked.patient.given) == (
        "M-ada",
        "LOVELACE",
        "ADA",
    )
    assert str(asked.patient.birth_date) == "1950-01-02"
    assert (asked.provider.npi, asked.provider.name) == ("1999999984", "LAKESIDE GENERAL")


PROVIDER = {
    "resourceType": "Organization",
    "id": "o2",
    "name": "Lakeside General",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999984"}],
}


async def test_a_claim_of_a_file_is_asked_about_with_the_number_that_its_payment_gave(graph_of):
    graph = graph_of()
    await graph.hand_in(
        claims(claim("A-1", "380.60")),
        remittance("300", paid("A-1", "380.60", "300", number="P-7")),
    )
    ((said,),) = await live(graph, "ada")
    assert said[0]["paid"] == {"value": "304.48"}
    (asked,) = graph.status_desk.asked
    assert (asked.account, asked.payer_claim) == ("A-1", "P-7")
    assert asked.provider.npi == "1999999984"


async def test_a_replacement_is_not_asked_about_by_its_predecessor_s_number(graph_of):
    graph = graph_of()
    await graph.hand_in(
        claims(claim("A-1", "100")),
        remittance("70", paid("A-1", "100", "70", number="P-1")),
        claims(claim("A-1", "90", frequency="7", replaces="P-1")),
    )
    await live(graph, "ada")
    (asked,) = graph.status_desk.asked
    assert (asked.account, asked.payer_claim, asked.charged) == ("A-1", "", Decimal(90))


async def test_who_is_covered_by_another_s_number_is_asked_about_as_their_dependent(store):
    child = coverage(
        "kim",
        subscriberId="M-ada",
        subscriber={"reference": "Patient/p-ada"},
        relationship={"coding": [{"code": "child"}]},
    )
    rows = [PAYER_ORGANIZATION, child, member("kim"), member("ada"), fhir_claim(name="kim")]
    graph = CoverageSubgraph(Ehr(rows), status_desk=StatusPayer(SAID), store=store)
    await live(graph, "kim")
    (asked,) = graph.status_desk.asked
    assert (asked.subscriber.id, asked.subscriber.given) == ("M-ada", "ADA")
    assert (asked.patient.given, asked.level) == ("KIM", "23")


async def test_the_coverage_that_a_claim_was_sent_under_is_the_one_asked_by(graph_of):
    other = coverage("ada", "c-other", subscriberId="M-other", period={"start": "2020-01-01"})
    insurance = [{"focal": True, "coverage": {"reference": "Coverage/c-other"}}]
    graph = graph_of(other, fhir_claim(insurance=insurance))
    await live(graph, "ada")
    assert [each.subscriber.id for each in graph.status_desk.asked] == ["M-other"]


async def test_without_one_it_is_the_one_in_force_that_day(store):
    former = coverage(
        "ada", "c-a", subscriberId="M-former", period={"start": "2020-01-01", "end": "2025-12-31"}
    )
    rows = [PAYER_ORGANIZATION, former, coverage("ada"), member("ada"), fhir_claim()]
    graph = CoverageSubgraph(Ehr(rows), status_desk=StatusPayer(SAID), store=store)
    await live(graph, "ada")
    assert [each.subscriber.id for each in graph.status_desk.asked] == ["M-ada"]


async def test_a_hundred_claims_of_ten_patients_are_one_question(store):
    names = [f"n{number}" for number in range(10)]
    rows = [
        row
        for name in names
        for row in (
            coverage(name),
            member(name),
            *(fhir_claim(f"{name}-{n}", f"A-{name}-{n}", name) for n in range(10)),
        )
    ]
    said = {f"A-{name}-{n}": f"F{n % 3}:65*20260212" for name in names for n in range(10)}
    ehr, desk = Ehr([PAYER_ORGANIZATION, *rows]), StatusPayer(said)
    graph = CoverageSubgraph(ehr, status_desk=desk, store=store)
    found = await live(graph, *names, selection="accountNumber liveStatuses { codes { category } }")
    assert sum(map(len, found)) == 100
    assert all(len(statuses) == 1 for claims_ in found for statuses in claims_)
    assert len(desk.received) == 1
    asked = [path for path in ehr.paths if path.startswith(("Claim/", "Coverage/", "Patient/"))]
    assert sorted(asked) == ["Claim/_search", "Coverage/_search", "Patient/_search"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([coverage("ada", subscriberId=None), member("ada")], None),
        ([member("ada")], None),
        ([coverage("ada"), member("ada")], [[]]),
    ],
)
async def test_where_nobody_can_be_asked_and_where_nothing_is_said(store, rows, told):
    desk = StatusPayer({}, member="M-somebody-else")
    graph = CoverageSubgraph(
        Ehr([PAYER_ORGANIZATION, fhir_claim(), *rows]), status_desk=desk, store=store
    )
    assert await live(graph, "ada", selection="liveStatuses { source }") == [told or [None]]


async def test_amounts_are_for_billing_and_the_patient(graph_of):
    selection = "liveStatuses { codes { category } charged { value } paid { value } }"
    amounts = []
    for caller in (BILLER, ADA_HERSELF, CLINICIAN):
        graph = graph_of(fhir_claim())
        (((said,),),) = await live(graph, "ada", caller=caller, selection=selection)
        assert said["codes"] == [{"category": "F1"}]
        amounts.append((said["charged"] is not None, said["paid"] is not None))
    assert amounts == [(True, True), (True, True), (False, False)]


async def test_who_may_not_see_the_claim_asks_nobody(graph_of):
    graph = graph_of(fhir_claim())
    others = Caller(subject="b", roles=("biller",), scopes=("user/Coverage.rs",))
    assert await live(graph, "ada", caller=others) == [[]]
    sensitive = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
    closed = graph_of(fhir_claim(meta={"security": sensitive}))
    assert await live(closed, "ada") == [[]]
    assert graph.status_desk.received == closed.status_desk.received == []


async def test_a_payer_that_cannot_answer_costs_its_statuses_alone(graph_of):
    class Down(StatusPayer):
        network = httpx2.MockTransport(lambda _: httpx2.Response(503))

    graph = graph_of(fhir_claim(), desk=Down({}))
    answer = await graph.patients("claims { nodes { accountNumber liveStatuses { asOf } } }", "ada")
    (node,) = answer["data"]["_entities"][0]["claims"]["nodes"]
    assert node == {"accountNumber": "A-1", "liveStatuses": None}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert error["extensions"]["source"] == "payer-x12"
