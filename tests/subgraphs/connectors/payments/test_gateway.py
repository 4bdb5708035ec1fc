"""The payment gateway keeps the contract of all connectors, and is asked as Stripe wants it."""

from __future__ import annotations

from urllib.parse import parse_qs
from uuid import UUID

import httpx2
import pytest

from chartgraph.testing.connectors import PHI, ConnectorContract
from chartgraph.testing.scripted import Scripted
from subgraphs.connectors import transport
from subgraphs.connectors.errors import ProtocolViolation, Rejected
from subgraphs.connectors.payments.gateway import Order, PaymentGateway, PaymentSource, is_method

TOKEN = str(UUID(int=7))
ORDER = Order(4217, "usd", "pm_card_visa")
CONFIG = PaymentSource(id="cards", url="https://pay.example", serves=("coverage",))


def intent(**others):
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 4217,
        "currency": "usd",
        "status": "succeeded",
        "created": 1_764_000_000,
        "metadata": {"chartgraph_write": TOKEN},
        **others,
    }


class TestContract(ConnectorContract):
    def config(self):
        return CONFIG

    def good(self):
        return httpx2.Response(200, json={"data": [intent(description=PHI)]})

    async def ask(self, client):
        return await PaymentGateway(CONFIG, client).find(TOKEN)


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(transport, "PAUSE", 0)

    async def pay(*script):
        asked.server = Scripted(script)
        async with transport.open_client(CONFIG, network=asked.server) as client:
            return await PaymentGateway(CONFIG, client).pay(ORDER, TOKEN)

    asked = pay
    return pay


async def test_a_payment_is_asked_for_in_minor_units_under_its_key(asked):
    paid = await asked(httpx2.Response(200, json=intent()))
    assert (paid.id, paid.status, paid.token) == ("pi_1", "succeeded", TOKEN)
    (request,) = asked.server.requests
    assert (request.method, request.url.path) == ("POST", "/v1/payment_intents")
    assert request.headers["Idempotency-Key"] == TOKEN
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    form = {name: value for name, (value,) in parse_qs(request.content.decode()).items()}
    assert form == {
        "amount": "4217",
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "error_on_requires_action": "true",
        "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
        "metadata[chartgraph_write]": TOKEN,
    }


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(asked):
    await asked(httpx2.Response(503), httpx2.Response(200, json=intent()))
    keys = [request.headers["Idempotency-Key"] for request in asked.server.requests]
    assert keys == [TOKEN, TOKEN]


@pytest.mark.parametrize(
    ("error", "codes"),
    [
        (
            {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"},
            ("insufficient_funds", "card_declined"),
        ),
        ({"type": "card_error", "code": "expired_card"}, ("expired_card",)),
        ({"type": "card_error", "code": PHI, "message": PHI}, ()),
    ],
)
async def test_why_it_was_declined_is_told_by_codes_of_a_fixed_list(asked, error, codes):
    with pytest.raises(Rejected) as raised:
        await asked(httpx2.Response(402, json={"error": error}))
    assert raised.value.codes == codes
    assert PHI not in str(raised.value)
    assert len(asked.server.requests) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 4218},
        {"currency": "eur"},
        {"metadata": {}},
        {"metadata": {"chartgraph_write": "x"}},
    ],
)
async def test_an_answer_about_another_payment_is_none(asked, other):
    with pytest.raises(ProtocolViolation):
        await asked(httpx2.Response(200, json=intent(**other)))


async def test_what_a_search_finds_of_others_is_not_taken(monkeypatch):
    others = [intent(metadata={"chartgraph_write": "another"}), intent(metadata={})]
    server = Scripted((httpx2.Response(200, json={"data": others}),))
    async with transport.open_client(CONFIG, network=server) as client:
        assert await PaymentGateway(CONFIG, client).find(TOKEN) is None
    assert server.requests[0].url.params["query"] == f"metadata['chartgraph_write']:'{TOKEN}'"


@pytest.mark.parametrize("token", ["pm_card_visa", "pm_1NxYz0AbC", "tok_visa", "card_9aB", "ba_1"])
def test_a_token_is_taken(token):
    assert is_method(token)


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424242",
        "4242 4242 4242 4242",
        "pm_4242424242424242",
        "pm_x4242424242424242x",
        "tok_378282246310005",
        "",
        "pm_",
        "pm_card visa",
        "pm_card\n",
        "pm_é",
        "cus_1",
    ],
)
def test_what_may_be_a_card_s_number_is_not(number):
    assert not is_method(number)
