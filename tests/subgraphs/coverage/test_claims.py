"""Claims of FHIR and of files as one, with what was paid for them and how it comes out."""

from __future__ import annotations

import pytest

from contract.context import Caller
from subgraphs.connectors.inbox.deliveries import read_delivery
from subgraphs.connectors.inbox.store import inbox_url, open_inbox
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.coverage.files import claim, claims, paid, remittance, status
from tests.subgraphs.coverage.graph import (
    ADA_HERSELF,
    BILLER,
    CLINICIAN,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    amounts,
    explanation,
    money,
)

MONEY = "charged { value } paid { value } patientResponsibility { value }"
FINDINGS = "findings { problem message expected { value } found { value } traceNumber service }"
RECONCILED = (
    f"reconciliation {{ {MONEY} allowed {{ value }} adjusted {{ group reason amount {{ value }} }} "
    f"difference {{ value currency }} isBalanced {FINDINGS} }}"
)
CLAIMS = "claims { nodes { %s } sources { source state } }"
REMITTED = (
    f"remittances {{ status isReversal payerClaimNumber {MONEY} adjustments {{ group }} "
    "services { service { coding { code system } } modifiers date charged { value } paid { value } "
    "units adjustments { group reason amount { value } } } "
    "payment { id traceNumber method date payer payee amount { value } difference { value } } }"
)


@pytest.fixture
async def store(tmp_path):
    opened = await open_inbox(inbox_url(tmp_path), b"k" * 32)
    yield opened
    await opened.close()


@pytest.fixture
def graph(store):
    return CoverageSubgraph(Ehr([PAYER_ORGANIZATION]), store=store)


def holding(store, *rows):
    return CoverageSubgraph(Ehr([PAYER_ORGANIZATION, *rows]), store=store)


def fhir_claim(id_="fc1", account="A-1", name="ada", **more):
    return {
        "resourceType": "Claim",
        "id": id_,
        "status": "active",
        "use": "claim",
        "patient": {"reference": f"Patient/p-{name}"},
        "created": "2026-02-05",
        "billablePeriod": {"start": "2026-02-03", "end": "2026-02-03"},
        "identifier": [{"type": {"coding": [{"code": "AN"}]}, "value": account}],
        "total": money("380.6"),
        **more,
    }


async def nodes(graph, selection, caller=BILLER, name="ada"):
    answer = await graph.patients(CLAIMS % selection, name, caller=caller)
    assert "errors" not in answer
    return answer["data"]["_entities"][0]["claims"]["nodes"]


async def test_a_claim_of_a_file_is_shown_as_it_was_submitted(graph):
    await graph.hand_in(claims(claim("A-1", "380.60", "20")))
    selection = (
        "status type { coding { code } } frequency created billablePeriod { start end } "
        "accountNumber providerName diagnoses { coding { code system } } total { value currency } "
        "items { sequence service { coding { code } } modifiers { coding { code } } quantity "
        "diagnoses net { value } } provenance { source method } "
    )
    (node,) = await nodes(graph, selection)
    assert node == {
        "status": "active",
        "type": {"coding": [{"code": "professional"}]},
        "frequency": "1",
        "created": "2026-01-01",
        "billablePeriod": {"start": "2026-02-03", "end": "2026-02-03"},
        "accountNumber": "A-1",
        "providerName": "LAKESIDE GENERAL",
        "diagnoses": [
            {"coding": [{"code": "E11.9", "system": "http://hl7.org/fhir/sid/icd-10-cm"}]}
        ],
        "total": {"value": "400.60", "currency": "USD"},
        "items": [
            {
                "sequence": place,
                "service": {"coding": [{"code": "99213"}]},
                "modifiers": [{"coding": [{"code": "25"}]}],
                "quantity": "1",
                "diagnoses": [1],
                "net": {"value": charge},
            }
            for place, charge in ((1, "380.60"), (2, "20"))
        ],
        "provenance": [{"source": "clearinghouse", "method": "X12"}],
    }


async def test_one_claim_of_fhir_and_of_a_file_is_one_node_with_both(store):
    graph = holding(store, fhir_claim(total=money("380.61")))
    await graph.hand_in(claims(claim("A-1", "380.60")))
    (node,) = await nodes(
        graph, "provenance { source method } conflicts { path values { source value } }"
    )
    assert node == {
        "provenance": [
            {"source": "clearinghouse", "method": "X12"},
            {"source": "payer", "method": "FHIR_READ"},
        ],
        "conflicts": [
            {
                "path": "total",
                "values": [
                    {"source": "clearinghouse", "value": "380.60 USD"},
                    {"source": "payer", "value": "380.61 USD"},
                ],
            }
        ],
    }


async def test_claims_that_look_alike_are_not_one_without_a_number_in_common(store):
    graph = holding(store, fhir_claim(account="A-2"))
    await graph.hand_in(claims(claim("A-1", "380.60")))
    assert len(await nodes(graph, "id")) == 2


async def test_another_payer_s_claim_of_the_same_number_is_another(graph):
    await graph.hand_in(claims(claim("A-1", "380.60"), claim("A-1", "380.60", payer="ELSE")))
    assert len(await nodes(graph, "id")) == 2


async def test_one_account_s_claims_of_other_days_are_others(graph):
    await graph.hand_in(claims(claim("A-1", "10"), claim("A-1", "20", day="20260401")))
    found = await nodes(graph, "total { value }")
    assert [node["total"]["value"] for node in found] == ["20.00", "10.00"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_a_payment_is_found_whichever_comes_first(graph, order):
    files = (
        claims(claim("A-1", "100")),
        remittance("70", paid("A-1", "100", "70", "CO*45*10", "PR*2*20", owes="20")),
        status("A-1", "P-1"),
    )
    await graph.hand_in(*(files[at] for at in order))
    told = "codes { category code entity } effective payerClaimNumber asOf method"
    selection = f"payerClaimNumbers {REMITTED} reportedStatuses {{ {told} }}"
    (node,) = await nodes(graph, selection)
    (remitted,) = node["remittances"]
    assert remitted["payment"].pop("id")
    assert node == {
        "payerClaimNumbers": ["P-1"],
        "reportedStatuses": [
            {
                "codes": [{"category": "P3", "code": "317", "entity": None}],
                "effective": "2026-02-06",
                "payerClaimNumber": "P-1",
                "asOf": "2026-01-01T12:00:00Z",
                "method": "X12",
            }
        ],
        "remittances": [
            {
                "status": "1",
                "isReversal": False,
                "payerClaimNumber": "P-1",
                "charged": {"value": "100"},
                "paid": {"value": "70"},
                "patientResponsibility": {"value": "20"},
                "adjustments": [],
                "services": [
                    {
                        "service": {
                            "coding": [
                                {"code": "99213", "system": "http://www.ama-assn.org/go/cpt"}
                            ]
                        },
                        "modifiers": ["25"],
                        "date": "2026-02-03",
                        "charged": {"value": "100"},
                        "paid": {"value": "70"},
                        "units": "1",
                        "adjustments": [
                            {"group": "CO", "reason": "45", "amount": {"value": "10"}},
                            {"group": "PR", "reason": "2", "amount": {"value": "20"}},
                        ],
                    }
                ],
                "payment": {
                    "traceNumber": "T-1",
                    "method": "ACH",
                    "date": "2026-02-12",
                    "payer": "MEADOW",
                    "payee": "LAKESIDE GENERAL",
                    "amount": {"value": "70"},
                    "difference": {"value": "0"},
                },
            }
        ],
    }


async def test_what_comes_out_is_told_with_its_parts(graph):
    await graph.hand_in(
        claims(claim("A-1", "100")),
        remittance("70", paid("A-1", "100", "70", "CO*45*10", "PR*2*15**3*5", owes="20")),
    )
    (node,) = await nodes(graph, RECONCILED)
    assert node["reconciliation"] == {
        "charged": {"value": "100.00"},
        "paid": {"value": "70"},
        "patientResponsibility": {"value": "20"},
        "allowed": {"value": "90"},
        "adjusted": [
            {"group": "CO", "reason": "45", "amount": {"value": "10"}},
            {"group": "PR", "reason": "2", "amount": {"value": "15"}},
            {"group": "PR", "reason": "3", "amount": {"value": "5"}},
        ],
        "difference": {"value": "0.00", "currency": "USD"},
        "isBalanced": True,
        "findings": [],
    }


def summed(node):
    found = node["reconciliation"]["findings"]
    return [(f["problem"], f["expected"]["value"], f["found"]["value"]) for f in found]


async def test_what_does_not_come_out_is_told(store):
    """More was charged than the payer says; a service's sums are off, and so is the transfer."""
    told = explanation(
        "ada",
        "e1",
        identifier=[{"value": "P-1"}],
        total=amounts(benefit="71.00", memberliability="20.00"),
    )
    graph = holding(store, told)
    await graph.hand_in(
        claims(claim("A-1", "120")),
        remittance("69.99", paid("A-1", "100", "70", "CO*45*9.99", "PR*2*20", owes="25")),
    )
    (node,) = await nodes(graph, RECONCILED)
    assert summed(node) == [
        ("CHARGE_DIFFERS", "120.00", "100"),
        ("CLAIM_UNBALANCED", "70.01", "70"),
        ("SERVICE_UNBALANCED", "70.01", "70"),
        ("PAYMENT_UNBALANCED", "69.99", "70.00"),
        ("PATIENT_SHARE_DIFFERS", "20.00", "25"),
        ("PAID_DIFFERS", "71.0", "70"),
        ("LIABILITY_DIFFERS", "20.0", "25"),
    ]
    assert node["reconciliation"]["isBalanced"] is False
    assert node["reconciliation"]["difference"]["value"] == "20.01"
    second = node["reconciliation"]["findings"][2]
    assert (second["traceNumber"], second["service"]) == ("T-1", 1)
    assert second["message"] == "A service's charge less its adjustments is not what was paid."


async def test_nothing_remitted_is_nothing_to_reconcile(graph):
    await graph.hand_in(claims(claim("A-1", "100")))
    (node,) = await nodes(graph, RECONCILED + " remittances { status }")
    assert node == {"reconciliation": None, "remittances": []}


@pytest.mark.parametrize("last", [0, 1, 2, 3])
async def test_a_replacement_takes_its_predecessor_s_place(graph, last):
    """And the payments of both count: the first, its reversal, and what was paid in the end."""
    files = [
        claims(claim("A-1", "100")),
        remittance("80", paid("A-1", "100", "80", "CO*45*20")),
        claims(claim("A-9", "120", frequency="7", replaces="P-1")),
        remittance(
            "10",
            paid("A-1", "-100", "-80", "CO*45*-20", status="22"),
            paid("A-9", "120", "90", "CO*45*30", number="P-2"),
            trace="T-2",
        ),
    ]
    files.append(files.pop(last))
    await graph.hand_in(*files)
    selection = (
        "frequency accountNumber total { value } earlierVersions { frequency total { value } } "
        "remittances { status isReversal paid { value } } " + RECONCILED
    )
    (node,) = await nodes(graph, selection)
    assert (node["frequency"], node["total"]["value"]) == ("7", "120.00")
    assert node["earlierVersions"] == [{"frequency": "1", "total": {"value": "100.00"}}]
    told = {(r["status"], r["isReversal"], r["paid"]["value"]) for r in node["remittances"]}
    assert told == {("1", False, "80"), ("22", True, "-80"), ("1", False, "90")}
    assert node["reconciliation"]["isBalanced"] is True
    assert node["reconciliation"]["paid"]["value"] == "90"


async def test_a_void_cancels_the_claim(graph):
    await graph.hand_in(
        claims(claim("A-1", "100")),
        status("A-1", "P-1"),
        claims(claim("A-1", "100", frequency="8", replaces="P-1")),
    )
    (node,) = await nodes(graph, "status frequency earlierVersions { frequency }")
    assert node == {
        "status": "cancelled",
        "frequency": "8",
        "earlierVersions": [{"frequency": "1"}],
    }


async def test_a_payment_of_a_claim_that_nobody_handed_in_is_shown_with_what_it_tells(graph):
    await graph.hand_in(
        remittance("70", paid("A-1", "100", "70", "CO*45*10", "PR*2*20", owes="20"))
    )
    (node,) = await nodes(graph, f"status type {{ text }} total {{ value }} {RECONCILED}")
    assert node["total"] == {"value": "100"}
    assert node["reconciliation"]["isBalanced"] is True


async def test_members_are_told_apart_by_number_and_given_name(graph):
    await graph.hand_in(
        claims(
            claim("A-1", "100"),
            claim("A-2", "50", given="BYRON"),
            claim("A-3", "7", member="M-bob"),
        )
    )
    assert len(await nodes(graph, "id")) == 2, "both are linked here; they are two records"
    assert len(graph.members["ada"]) == 2
    assert [n["accountNumber"] for n in await nodes(graph, "accountNumber", name="bob")] == ["A-3"]


async def test_a_claim_without_a_number_of_its_member_is_left_out_and_counted(graph):
    nobody = claims(claim("A-1", "100", member=""), claim("A-2", "10"))
    delivery = read_delivery(nobody, graph.inbox, graph.store).delivery
    assert delivery.left_out == {"claim without a member number": 1}
    assert [each["resourceType"] for each in delivery.resources] == ["Patient", "Claim"]


async def test_explanations_and_claims_find_each_other(store):
    by_reference = explanation("ada", "e1", claim={"reference": "Claim/fc1"})
    by_account = explanation(
        "ada",
        "e2",
        supportingInfo=[
            {
                "sequence": 1,
                "category": {"coding": [{"code": "patientaccountnumber"}]},
                "valueString": "A-7",
            }
        ],
    )
    graph = holding(store, fhir_claim(), by_reference, by_account, explanation("ada", "e3"))
    await graph.hand_in(claims(claim("A-7", "100")))
    answer = await graph.patients(
        "explanationsOfBenefit { nodes { id claim { accountNumber explanations { id } } } }", "ada"
    )
    found = answer["data"]["_entities"][0]["explanationsOfBenefit"]["nodes"]
    claims_of = {node["id"]: node["claim"] for node in found}
    told = [(each["accountNumber"], each["explanations"]) for each in claims_of.values() if each]
    assert sorted(account for account, _ in told) == ["A-1", "A-7"]
    assert all(len(explanations) == 1 for _, explanations in told)
    assert list(claims_of.values()).count(None) == 1
    for id_, each in claims_of.items():
        assert each is None or each["explanations"] == [{"id": id_}]


async def test_what_is_no_bill_is_no_claim(store):
    graph = holding(store, fhir_claim(use="preauthorization"))
    assert await nodes(graph, "id") == []


async def test_a_payer_that_offers_no_claims_is_not_asked_for_them(graph):
    answer = await graph.patients(CLAIMS % "id", "ada")
    assert answer["data"]["_entities"][0]["claims"] == {
        "nodes": [],
        "sources": [{"source": "payer", "state": "OK"}],
    }
    assert not any("Claim" in path for path in graph.ehr.paths)


AMOUNTS = f"total {{ value }} items {{ net {{ value }} }} remittances {{ status }} {RECONCILED}"


@pytest.mark.parametrize(
    ("caller", "sees"), [(BILLER, True), (ADA_HERSELF, True), (CLINICIAN, False)]
)
async def test_amounts_are_for_billing_and_the_patient(graph, caller, sees):
    await graph.hand_in(
        claims(claim("A-1", "100")), remittance("70", paid("A-1", "100", "70", "CO*45*30"))
    )
    (node,) = await nodes(graph, AMOUNTS, caller=caller)
    shown = [node["total"], node["items"][0]["net"], node["remittances"], node["reconciliation"]]
    assert all(each is not None for each in shown) is sees
    assert any(each is not None for each in shown) is sees


async def test_the_whole_of_a_payment_is_for_billing_alone(graph):
    files = (
        claims(claim("A-1", "100")),
        remittance(
            "119",
            paid("A-1", "100", "70", "CO*45*30"),
            paid("B-1", "50", "50", member="M-bob", number="P-9"),
            beside=["PLB*1999999984*20261231*L6:X*1"],
        ),
    )
    await graph.hand_in(*files)
    whole = (
        "remittances { payment { id amount { value } adjustments { reason amount { value } } } }"
    )
    (seen,) = await nodes(graph, whole)
    (own,) = await nodes(graph, whole, caller=ADA_HERSELF)
    payment = seen["remittances"][0]["payment"]
    assert payment["amount"] == {"value": "119"}
    assert payment["adjustments"] == [{"reason": "L6", "amount": {"value": "1"}}]
    assert own["remittances"][0]["payment"] == {**payment, "amount": None, "adjustments": None}

    key = {"__typename": "Payment", "id": payment["id"]}
    selection = "... on Payment { traceNumber amount { value } }"
    for caller, shown in ((BILLER, {"value": "119"}), (ADA_HERSELF, None)):
        answer = await graph.entities(selection, key, caller=caller)
        assert answer["data"]["_entities"] == [{"traceNumber": "T-1", "amount": shown}]
    bob = Caller("x", roles=("patient",), scopes=("patient/*.rs",), patient="ehr-a/e-bob")
    for caller in (CLINICIAN, bob):
        answer = await graph.entities(selection, key, caller=caller)
        assert answer["data"]["_entities"] == [None]
        assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_claim_is_found_by_its_id_in_any_of_its_versions_and_by_nobody_else(graph):
    await graph.hand_in(claims(claim("A-1", "100")))
    (before,) = await nodes(graph, "id")
    await graph.hand_in(
        status("A-1", "P-1"), claims(claim("A-1", "90", frequency="7", replaces="P-1"))
    )
    key = {"__typename": "Claim", "id": before["id"]}
    answer = await graph.entities("... on Claim { frequency }", key, caller=BILLER)
    assert answer["data"]["_entities"] == [{"frequency": "7"}]
    stranger = Caller("x", roles=("patient",), scopes=("patient/*.rs",), patient="ehr-a/e-bob")
    answer = await graph.entities("... on Claim { frequency }", key, caller=stranger)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_what_one_source_labels_is_closed_with_all_that_was_paid_for_it(store):
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    graph = holding(store, fhir_claim(meta={"security": [label]}))
    await graph.hand_in(
        claims(claim("A-1", "100")), remittance("70", paid("A-1", "100", "70", "CO*45*30"))
    )
    assert await nodes(graph, "id") == []
    assert len(await nodes(graph, "id", caller=ADA_HERSELF)) == 1


async def test_questions_cost_the_same_however_many_patients_ask(store):
    rows = [fhir_claim(f"c-{name}", name=name) for name in ("ada", "bob", "cy")]
    graph = holding(store, *rows)
    selection = CLAIMS % f"id explanations {{ id }} {RECONCILED}"
    await graph.patients(selection, "ada", "bob", "cy")
    assert graph.ehr.data_calls == 2
