"""Events are taken from whoever knows the secret, within five minutes, and from nobody else."""

from __future__ import annotations

import json

import pytest

from sandbox.payments.webhooks import sign
from subgraphs.connectors.payments.webhooks import TOLERANCE, WebhookRefused, read_event
from tests.subgraphs.connectors.payments.test_gateway import intent

SECRET, NOW = "whsec_1", 1_764_000_000


def body(type_="payment_intent.succeeded", **event):
    about = {"object": intent()}
    return json.dumps({"type": type_, "created": NOW - 3, "data": about, **event}).encode()


def read(content, signature, now=NOW):
    return read_event(content, signature=signature, secret=SECRET.encode(), now=now)


def test_an_event_is_read():
    told = read(body(), sign(SECRET, NOW, body()))
    assert told is not None
    assert (told.at, told.intent.id, told.intent.status) == (NOW - 3, "pi_1", "succeeded")


def test_while_a_secret_is_exchanged_either_signature_will_do():
    other = sign("whsec_2", NOW, body()).partition(",")[2]
    signature = sign(SECRET, NOW, body())
    time, _, own = signature.partition(",")
    assert read(body(), f"{time},{other},{own}")
    assert read(body(), f"{time},{own},v0=abc,{other}")


def test_an_event_about_something_else_is_no_news():
    content = body("customer.created", data={"object": {"id": "cus_1"}})
    assert read(content, sign(SECRET, NOW, content)) is None


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "nonsense",
        sign("whsec_2", NOW, body()),
        sign(SECRET, NOW, body() + b" "),
        sign(SECRET, NOW, body()).replace("v1", "v0"),
        sign(SECRET, NOW, body()).replace("t=", "t=x"),
        f"t={NOW}," + sign(SECRET, NOW, body()),
        "t=²," + sign(SECRET, NOW, body()).partition(",")[2],
    ],
)
def test_what_is_not_signed_as_it_should_be_is_refused(signature):
    with pytest.raises(WebhookRefused):
        read(body(), signature)


@pytest.mark.parametrize("apart", [TOLERANCE, -TOLERANCE])
def test_what_is_signed_long_ago_or_ahead_is_refused(apart):
    signature = sign(SECRET, NOW, body())
    assert read(body(), signature, NOW + apart)
    with pytest.raises(WebhookRefused):
        read(body(), signature, NOW + apart + (1 if apart > 0 else -1))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"type":1}', b"\xff", body(data={})])
def test_what_cannot_be_read_is_refused_without_a_word_of_it(content):
    with pytest.raises(WebhookRefused, match="the event cannot be read"):
        read(content, sign(SECRET, NOW, content))
