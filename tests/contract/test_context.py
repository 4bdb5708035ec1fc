"""The signed context: what the gateway signs, the subgraph accepts, and nothing else."""

import msgspec
import pytest

from contract.context import (
    MAX_AGE,
    Caller,
    Context,
    ContextRefusedError,
    body_hash,
    sign_context,
    verify_context,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
BODY = b'{"query":"{ me { subject } }"}'
NOW = 1_800_000_000
CONTEXT = Context(
    audience="records",
    body=body_hash(BODY),
    issued_at=NOW,
    request_id="r-1",
    caller=Caller(subject="s-1", scopes=("user/*.rs",)),
)


def verify(header, *, body=BODY, audience="records", keys=None, now=NOW):
    return verify_context(
        header, body=body, audience=audience, keys={"1": KEY} if keys is None else keys, now=now
    )


def test_a_signed_context_is_read_back_whole():
    assert verify(sign_context(CONTEXT, KEY)) == CONTEXT


def test_in_a_rotation_the_present_key_and_the_next_are_taken():
    keys = {"1": KEY, "2": OTHER_KEY}
    assert verify(sign_context(CONTEXT, KEY), keys=keys).key_id == "1"
    # The sender has the next one already; that the receiver calls it so it need not know.
    assert verify(sign_context(CONTEXT, OTHER_KEY), keys=keys).key_id == "2"
    with pytest.raises(ContextRefusedError, match="not signed"):
        verify(sign_context(CONTEXT, b"x" * 32), keys=keys)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"audience": "coverage"}, "another subgraph", id="foreign"),
        pytest.param({"body": b"{}"}, "another body", id="edited body"),
        pytest.param({"now": NOW + MAX_AGE + 1}, "stale", id="replayed late"),
        pytest.param({"now": NOW - MAX_AGE - 1}, "stale", id="from the future"),
        pytest.param({"keys": {"1": OTHER_KEY}}, "not signed", id="another key"),
        pytest.param({"keys": {}}, "not signed", id="no key"),
    ],
)
def test_refuses(change, complaint):
    with pytest.raises(ContextRefusedError, match=complaint):
        verify(sign_context(CONTEXT, KEY), **change)


@pytest.mark.parametrize("header", [None, "", "x", "x.y", "é.é", "e30.e30", "." * 9])
def test_refuses_what_is_no_context(header):
    with pytest.raises(ContextRefusedError):
        verify(header)


def test_an_edited_claim_breaks_the_signature():
    claims, mac = sign_context(CONTEXT, KEY).split(".")
    stronger = msgspec.structs.replace(
        CONTEXT, caller=Caller(subject="s-1", scopes=("system/*.cruds",))
    )
    edited, _ = sign_context(stronger, OTHER_KEY).split(".")
    assert edited != claims
    with pytest.raises(ContextRefusedError, match="not signed"):
        verify(f"{edited}.{mac}")
