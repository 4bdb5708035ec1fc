"""A patient's bills are paid on the running demo: once, also where the gateway dies on the way."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from tests.acceptance.test_billing import explained_by_account, paid_by_account, value
from tests.acceptance.test_whole_path import upstream_calls


def bills(demo, persona="patient"):
    answer = demo.run("my-bills", persona=persona, first=100)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]["me"]["patient"]["invoices"]["nodes"]


def next_open(demo):
    return next(bill for bill in bills(demo) if bill["status"] == "OPEN")


def pay(demo, bill, *, key=None, method="pm_card_visa", persona="patient"):
    given = {
        "idempotencyKey": key or uuid4().hex,
        "invoice": bill["id"],
        "paymentMethod": method,
        "ifMatch": bill["version"],
    }
    return demo.run("pay-invoice", persona=persona, input=given)


def intents(demo):
    """What the gateway itself has of each payment."""
    secret = next(iter((demo.home / "sandbox").glob("sandbox-payments.key"))).read_text()
    headers = {"authorization": f"Bearer {secret}"}
    return lambda id_: demo.http.get(
        f"{demo.sandbox.url('payments')}/v1/payment_intents/{id_}", headers=headers
    ).json()


def told(demo, action):
    url = f"{demo.sandbox.ready['control']}/payments/{action}"
    return demo.http.post(url).raise_for_status().json()


def test_a_bill_is_what_the_files_leave_to_the_patient(demo):
    ids = next(p["ids"] for p in demo.sandbox.truth["people"] if p["number"] == 0)
    remitted, explained = paid_by_account(demo), explained_by_account(demo, ids["payer"])
    expected = []
    for account, totals in explained.items():
        paid = remitted.get(account)
        owed = sum(each["owed"] for each in paid) if paid else totals["memberliability"]
        if owed:
            expected.append(owed)
    assert sorted(value(bill["total"]) for bill in bills(demo)) == sorted(expected)


def test_bills_cost_one_call_for_each_type(demo):
    bills(demo)
    demo.sandbox.reset_calls()
    bills(demo)
    types = ("Claim", "ExplanationOfBenefit", "Organization")
    assert upstream_calls(demo) == {("payer", type_): 1 for type_ in types}


@pytest.mark.parametrize("dies", ["never", "before", "after"])
def test_a_bill_is_paid_once_whenever_the_gateway_dies(demo, dies):
    bill, key = next_open(demo), uuid4().hex
    demo.sandbox.set_faults("payments", dies=dies)
    answer = pay(demo, bill, key=key)
    demo.sandbox.reset_faults()
    if answer.get("errors"):
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN", error
        answer = pay(demo, bill, key=key)
    paid = answer["data"]["payInvoice"]
    assert paid["__typename"] == "InvoicePaid", answer
    assert paid["invoice"]["status"] == "PAID"
    (payment,) = paid["invoice"]["payments"]
    intent = intents(demo)(paid["reference"])
    assert (intent["status"], Decimal(intent["amount"]) / 100) == (
        "succeeded",
        value(bill["due"]),
    )
    assert payment["reference"] == paid["reference"]
    again = pay(demo, bill, key=key)["data"]["payInvoice"]
    assert (again["__typename"], again["reference"]) == ("InvoicePaid", paid["reference"])
    (now,) = [each for each in bills(demo) if each["id"] == bill["id"]]
    assert (now["status"], now["paid"]["value"]) == ("PAID", bill["due"]["value"])


def test_a_debit_is_settled_by_the_gateway_s_word_however_often_it_comes(demo):
    bill = next_open(demo)
    paid = pay(demo, bill, method="pm_usBankAccount")["data"]["payInvoice"]
    assert paid["invoice"]["status"] == "PENDING"
    told(demo, "settle")
    delivered = told(demo, "repeat")["delivered"]
    assert delivered
    assert set(delivered) == {204}
    (now,) = [each for each in bills(demo) if each["id"] == bill["id"]]
    assert (now["status"], now["paid"]["value"]) == ("PAID", bill["due"]["value"])
    assert [each["status"] for each in now["payments"]] == ["SUCCEEDED"]


def test_a_declined_card_leaves_the_bill_open(demo):
    bill = next_open(demo)
    refused = pay(demo, bill, method="pm_card_chargeDeclined")["data"]["payInvoice"]
    assert (refused["__typename"], refused["code"]) == ("UpstreamRefused", "card_declined")
    (now,) = [each for each in bills(demo) if each["id"] == bill["id"]]
    assert (now["status"], now["due"]) == ("OPEN", bill["due"])


def test_a_biller_may_pay_and_a_clinician_may_not(demo):
    bill = next_open(demo)
    denied = pay(demo, bill, persona="clinician")
    assert denied["data"]["payInvoice"] is None
    assert {error["extensions"]["code"] for error in denied["errors"]} == {"SCOPE_REQUIRED"}
    paid = pay(demo, bill, persona="biller")["data"]["payInvoice"]
    assert paid["__typename"] == "InvoicePaid"
