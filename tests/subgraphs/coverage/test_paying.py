"""An invoice is paid once and never lost, whoever dies in between, in whatever order it is told."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import sqlalchemy as sa

from contract.context import Caller
from sandbox.httpserver import Listener, Request
from sandbox.payments.server import SLOW, PaymentServer
from sandbox.payments.webhooks import Webhooks, sign
from subgraphs.connectors import transport
from subgraphs.connectors.config import BearerFile
from subgraphs.connectors.inbox.store import inbox_url, open_inbox
from subgraphs.connectors.payments.gateway import PaymentGateway, PaymentSource
from subgraphs.connectors.transport import open_client
from subgraphs.coverage.sources.payment_notices import PAYMENTS_PATH, notices_route
from subgraphs.coverage.sources.payments import PAYMENTS, NotDueError, PaymentBook
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.database import open_store, sqlite_url
from subgraphs.runtime.writes import LEASE, Writes, write_table
from tests.subgraphs.connectors.fhir.ehr import Ehr
from tests.subgraphs.coverage.files import claim, claims, paid, remittance
from tests.subgraphs.coverage.graph import (
    BILLER,
    CLINICIAN,
    PAYER_ORGANIZATION,
    CoverageSubgraph,
    amounts,
    explanation,
)
from tests.subgraphs.signed import ask

KEY, SECRET = b"k" * 32, "whsec_1"
INVOICES = (
    "invoices { nodes { id version status issued total { value currency } paid { value } "
    "pending { value } due { value } claim { accountNumber } "
    "payments { reference status amount { value } at } } }"
)
PAY = """mutation ($input: PayInvoiceInput!) { payInvoice(input: $input) { __typename
  ... on InvoicePaid { reference invoice { status due { value } payments { status } } }
  ... on StateConflict { code } ... on Denied { code }
  ... on NotFound { code } ... on InvalidInput { code argument message }
  ... on UpstreamRefused { source code message } } }"""
ADA = Caller(
    "a",
    roles=("patient",),
    scopes=("patient/*.rs", "patient/PaymentNotice.c"),
    patient="ehr-a/e-ada",
)


class Wire(httpx2.AsyncBaseTransport):
    """The sandbox's gateway; the connection may be lost before or after it has done its part."""

    def __init__(self, server):
        self.server = server
        self.dies = []
        self.posts = 0

    async def handle_async_request(self, request):
        is_post = request.method == "POST"
        self.posts += is_post
        dies = self.dies.pop(0) if self.dies and (is_post or self.dies[0] == "search") else None
        if dies in ("before", "search"):
            raise httpx2.ReadError("lost")
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(
            request.method, request.url.path, request.url.query.decode(), headers, request.content
        )
        answer = await self.server.respond(asked)
        if dies == "after":
            raise httpx2.ReadError("lost")
        return httpx2.Response(
            answer.status, content=answer.body, headers={"Content-Type": answer.content_type}
        )


@asynccontextmanager
async def opened_world(home, database_url, wire, clock, url="https://pay.example"):
    """Ada owes 20 dollars of a claim that was paid."""
    secret = home / "secret"
    secret.write_text("sk_test_1")
    config = PaymentSource(id="cards", url=url, serves=("coverage",), auth=BearerFile(secret))
    store = await open_inbox(inbox_url(home), KEY)
    metadata = sa.MetaData()
    table = write_table("coverage", metadata)
    PAYMENTS.to_metadata(metadata)
    database = await open_store(database_url, "coverage", metadata)
    client = open_client(config, network=wire)
    book = PaymentBook(database, KEY, clock)
    payments = {
        "gateway": PaymentGateway(config, client),
        "book": book,
        "writes": Writes(database, table, KEY, clock),
    }
    ehr = Ehr([PAYER_ORGANIZATION])
    graph = CoverageSubgraph(ehr, store=store, payments=payments, now=clock.now)
    await graph.hand_in(
        claims(claim("A-1", "100")),
        remittance("70", paid("A-1", "100", "70", "CO*45*10", "PR*2*20", owes="20")),
    )
    yield World(graph, getattr(wire, "server", None), wire, book, clock)
    await client.aclose()
    await database.close()
    await store.close()


@pytest.fixture
async def world(tmp_path, monkeypatch, request):
    """On SQLite, or on what the test says."""
    monkeypatch.setattr(transport, "PAUSE", 0)
    is_postgres = getattr(request, "param", "") == "postgresql"
    url = request.getfixturevalue("postgres_url") if is_postgres else None
    wire = Wire(PaymentServer("sk_test_1", Webhooks(SECRET)))
    async with opened_world(
        tmp_path, url or sqlite_url(tmp_path, "coverage"), wire, Clock()
    ) as opened:
        yield opened


on_both = pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self):
        return self.now


class World:
    def __init__(self, graph, server, wire, book, clock):
        self.graph, self.server, self.wire, self.book = graph, server, wire, book
        self.clock = clock

    async def invoices(self, caller=BILLER):
        answer = await self.graph.patients(INVOICES, "ada", caller=caller)
        assert "errors" not in answer, answer
        return answer["data"]["_entities"][0]["invoices"]["nodes"]

    async def pay(self, key="one", caller=ADA, method="pm_card_visa", version=None, invoice=None):
        if invoice is None:
            (invoice,) = await self.invoices()
        given = {
            "idempotencyKey": key,
            "invoice": invoice["id"],
            "paymentMethod": method,
            "ifMatch": version or invoice["version"],
        }
        return await ask(self.graph.app, "coverage", PAY, caller=caller, input=given)

    @property
    def taken(self):
        return [i for i in self.server.intents.values() if i["status"] == "succeeded"]


def outcome(answer):
    assert "errors" not in answer, answer
    return answer["data"]["payInvoice"]


async def test_an_invoice_is_what_is_left_to_the_patient(world):
    (invoice,) = await world.invoices()
    assert invoice.pop("id")
    assert invoice.pop("version")
    assert invoice == {
        "status": "OPEN",
        "issued": "2026-02-12",
        "total": {"value": "20.00", "currency": "USD"},
        "paid": {"value": "0.00"},
        "pending": {"value": "0.00"},
        "due": {"value": "20.00"},
        "claim": {"accountNumber": "A-1"},
        "payments": [],
    }


async def test_it_is_paid(world):
    paid = outcome(await world.pay())
    (intent,) = world.taken
    assert (intent["amount"], intent["currency"]) == (2000, "usd")
    assert paid == {
        "__typename": "InvoicePaid",
        "reference": intent["id"],
        "invoice": {
            "status": "PAID",
            "due": {"value": "0.00"},
            "payments": [{"status": "SUCCEEDED"}],
        },
    }
    (invoice,) = await world.invoices(caller=ADA)
    assert (invoice["status"], invoice["paid"]["value"]) == ("PAID", "20.00")


async def test_asked_again_it_is_answered_again_and_paid_once(world):
    (invoice,) = await world.invoices()
    first = await world.pay(invoice=invoice)
    assert outcome(await world.pay(invoice=invoice))["reference"] == outcome(first)["reference"]
    assert len(world.taken) == 1
    assert outcome(await world.pay(invoice=invoice, method="pm_card_mastercard")) == {
        "__typename": "StateConflict",
        "code": "IDEMPOTENCY_KEY_REUSED",
    }


@on_both
@pytest.mark.parametrize(
    "dies",
    [
        ["after"],  # taken, and asked again by the transport under the same key
        ["after", "after"],  # taken, answered never; the search finds it
        ["before", "after"],
        ["before", "before"],  # never arrived
        ["after", "after", "search", "search"],  # nobody can tell
    ],
)
async def test_whoever_dies_it_is_paid_once(world, dies):
    world.wire.dies = list(dies)
    (invoice,) = await world.invoices()
    answer = await world.pay(invoice=invoice)
    if "errors" in answer:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "OUTCOME_UNKNOWN"
        assert error["extensions"]["retryable"] is True
        answer = await world.pay(invoice=invoice)
    assert outcome(answer)["__typename"] == "InvoicePaid"
    (intent,) = world.taken
    assert outcome(answer)["reference"] == intent["id"]
    (now,) = await world.invoices()
    assert now["paid"]["value"] == "20.00"


KILLED = """
import asyncio, json, os, signal, sys
from pathlib import Path
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("tests_of_paying", sys.argv[1])
tests = module_from_spec(spec); spec.loader.exec_module(tests)
home, database, gateway, when, given = Path(sys.argv[2]), *sys.argv[3:]
class Killing(tests.httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        if request.method == "POST" and when == "before": os.kill(os.getpid(), signal.SIGKILL)
        answer = await super().handle_async_request(request)
        if request.method == "POST": os.kill(os.getpid(), signal.SIGKILL)
        return answer
async def main():
    wire = Killing(trust_env=False)
    async with tests.opened_world(home, database, wire, tests.Clock(), gateway) as world:
        await world.pay(invoice=json.loads(given))
asyncio.run(main())
"""


@on_both
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_is_killed_between_request_and_answer_pays_once(
    world, when, tmp_path, request
):
    """Another takes over once the lease has ended: a real gateway has it, or has it not."""
    server = world.server
    listener = Listener(server.respond)
    await listener.open(0)
    gateway = f"http://127.0.0.1:{listener.port}"
    is_postgres = request.node.callspec.params["world"] == "postgresql"
    database = (
        request.getfixturevalue("postgres_url") if is_postgres else sqlite_url(tmp_path, "coverage")
    )
    (invoice,) = await world.invoices()
    given = [str(tmp_path), database, gateway, when, json.dumps(invoice)]
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, __file__, *given)
    assert await killed.wait() == -signal.SIGKILL
    await listener.close()
    assert len(world.taken) == (when == "after")
    (error,) = (await world.pay(invoice=invoice))["errors"]
    assert error["extensions"]["code"] == "IN_PROGRESS"
    world.clock.now += LEASE + timedelta(seconds=1)
    paid_ = outcome(await world.pay(invoice=invoice))
    assert paid_["__typename"] == "InvoicePaid"
    (intent,) = world.taken
    assert paid_["reference"] == intent["id"]
    (now,) = await world.invoices()
    assert (now["status"], now["paid"]["value"]) == ("PAID", "20.00")


@on_both
async def test_two_who_pay_at_once_pay_no_more_than_is_due(world):
    (invoice,) = await world.invoices()
    answers = await asyncio.gather(
        *(
            world.pay(f"key-{n}", invoice=invoice, caller=who)
            for n, who in enumerate((ADA, ADA, ADA))
        )
    )
    told = [outcome(answer) for answer in answers]
    assert [each["__typename"] for each in told].count("InvoicePaid") == 1
    others = {each.get("code") for each in told if each["__typename"] != "InvoicePaid"}
    assert others <= {"STALE", "NOTHING_DUE"}
    assert len(world.taken) == 1


async def test_what_nobody_knows_the_end_of_is_not_paid_beside(world):
    """And is found out once it is old enough to be over."""
    world.wire.dies = ["before", "before", "search", "search"]
    (invoice,) = await world.invoices()
    assert "errors" in await world.pay(invoice=invoice)
    (pending,) = await world.invoices()
    assert (pending["status"], pending["pending"]["value"]) == ("PENDING", "20.00")
    assert outcome(await world.pay("two"))["code"] == "NOTHING_DUE"
    world.clock.now = world.clock.now.replace(hour=1)
    world.graph.now = world.clock.now
    assert outcome(await world.pay("three", invoice=invoice))["__typename"] == "InvoicePaid"
    assert len(world.taken) == 1


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required"),
    ],
)
async def test_what_is_declined_is_told_and_may_be_paid_otherwise(world, method, code):
    (invoice,) = await world.invoices()
    told = outcome(await world.pay(method=method, invoice=invoice))
    assert (told["__typename"], told["source"], told["code"]) == ("UpstreamRefused", "cards", code)
    (open_,) = await world.invoices()
    assert (open_["status"], open_["payments"]) == ("OPEN", [])
    assert outcome(await world.pay(invoice=open_))["__typename"] == "InvoicePaid"


async def test_another_version_is_stale(world):
    assert outcome(await world.pay(version="other"))["code"] == "STALE"
    assert world.wire.posts == 0


@pytest.mark.parametrize("number", ["4242424242424242", "pm_4242424242424242", "4242 4242"])
async def test_a_card_s_number_is_refused_and_told_nowhere(world, number, caplog):
    (invoice,) = await world.invoices()
    answer = await world.pay(method=number, invoice=invoice)
    assert outcome(answer)["code"] == "BAD_USER_INPUT"
    assert outcome(answer)["argument"] == "paymentMethod"
    assert "4242" not in json.dumps(outcome(answer)) + caplog.text
    assert world.wire.posts == 0


@pytest.mark.parametrize(
    "caller",
    [
        CLINICIAN,
        Caller("app", roles=("partner-app",), scopes=ADA.scopes, patient="ehr-a/e-ada"),
    ],
)
async def test_nobody_else_pays(world, caller):
    answer = await world.pay(caller=caller)
    assert outcome(answer) == {"__typename": "Denied", "code": "FORBIDDEN"}
    assert world.wire.posts == 0


async def test_another_patient_finds_no_invoice(world):
    bob = Caller("b", roles=("patient",), scopes=ADA.scopes, patient="ehr-a/e-bob")
    told = outcome(await world.pay(caller=bob))
    assert told == {"__typename": "NotFound", "code": "NOT_FOUND"}


async def test_amounts_owed_are_nobody_else_s(world):
    assert await world.invoices(caller=CLINICIAN) == []


def event(intent, type_, at):
    told = {"type": type_, "created": at, "data": {"object": intent}}
    return json.dumps(told).encode()


async def deliver(world, body, secret=SECRET):
    now = world.clock.now
    route = notices_route(world.book, SECRET.encode(), world.clock)[PAYMENTS_PATH]
    signed = sign(secret, int(now.timestamp()), body).encode()
    return (await route(body, {b"stripe-signature": signed})).status


async def test_a_debit_succeeds_when_the_gateway_tells_whatever_the_order(world):
    told = outcome(await world.pay(method=SLOW))
    assert told["invoice"]["status"] == "PENDING"
    (intent,) = world.server.intents.values()
    at = intent["created"]
    succeeded = event({**intent, "status": "succeeded"}, "payment_intent.succeeded", at + 9)
    processing = event({**intent, "status": "processing"}, "payment_intent.processing", at + 1)
    for body in (succeeded, succeeded, processing, succeeded):
        assert await deliver(world, body) == 204
    (invoice,) = await world.invoices()
    assert (invoice["status"], invoice["paid"]["value"]) == ("PAID", "20.00")
    assert [each["status"] for each in invoice["payments"]] == ["SUCCEEDED"]


async def test_a_debit_that_fails_leaves_the_invoice_open(world):
    outcome(await world.pay(method=SLOW))
    (intent,) = world.server.intents.values()
    failed = {**intent, "status": "requires_payment_method"}
    assert (
        await deliver(world, event(failed, "payment_intent.payment_failed", intent["created"] + 5))
        == 204
    )
    (invoice,) = await world.invoices()
    assert (invoice["status"], invoice["due"]["value"]) == ("OPEN", "20.00")
    assert [each["status"] for each in invoice["payments"]] == ["FAILED"]
    assert outcome(await world.pay("two", invoice=invoice))["__typename"] == "InvoicePaid"


async def test_what_a_stranger_tells_is_refused_and_what_is_not_ours_changes_nothing(world):
    intent = {"id": "pi_9", "amount": 1, "currency": "usd", "status": "succeeded", "created": 1}
    body = event({**intent, "metadata": {"chartgraph_write": "x"}}, "payment_intent.succeeded", 2)
    assert await deliver(world, body, secret="whsec_9") == 401
    assert await deliver(world, body) == 204
    (invoice,) = await world.invoices()
    assert invoice["payments"] == []


async def test_without_remittances_the_explanation_tells_what_is_owed(world):
    told = explanation(
        "ada",
        "e1",
        identifier=[{"value": "P-9"}],
        created="2026-03-01",
        total=amounts(memberliability="30.10", paidbypatient="10"),
    )
    claim_ = {
        "resourceType": "Claim",
        "id": "fc9",
        "status": "active",
        "use": "claim",
        "patient": {"reference": "Patient/p-ada"},
        "identifier": [{"value": "P-9"}],
    }
    world.graph.ehr.rows += [told, claim_]
    owed = {i["issued"]: i["total"]["value"] for i in await world.invoices()}
    assert owed == {"2026-02-12": "20.00", "2026-03-01": "20.10"}


async def test_a_place_is_given_once_for_each_token(world):
    links = (Link("payer", "c1"),)
    await world.book.reserve("t1", links, 2000, "usd", 2000)
    await world.book.reserve("t1", links, 2000, "usd", 2000)
    with pytest.raises(NotDueError):
        await world.book.reserve("t2", links, 1, "usd", 2000)
    await world.book.release("t1")
    await world.book.reserve("t2", links, 2000, "usd", 2000)
