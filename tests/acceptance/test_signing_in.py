"""What the guide to signing in says to try, on the running demo."""

from __future__ import annotations

import pytest

WHO = {"query": "{ me { subject roles } }"}


@pytest.fixture
def mislead(demo):
    def change(**wanted):
        address = f"{demo.sandbox.ready['control']}/issuer"
        demo.http.post(address, json=wanted).raise_for_status()

    return change


def ask(demo, token):
    headers = {"authorization": f"Bearer {token}"}
    answer = demo.http.post(f"{demo.gateway}/graphql", json=WHO, headers=headers)
    body = answer.json()
    codes = [error["extensions"]["code"] for error in body.get("errors", ())]
    return answer.status_code, body.get("data"), codes


def test_a_handle_is_read_by_introspection(demo, mislead):
    mislead(opaque=True)
    token = demo.sandbox.persona_token("clinician")
    assert "." not in token
    me = {"subject": "clinician-1", "roles": ["clinician"]}
    assert ask(demo, token) == (200, {"me": me}, [])


def test_a_revoked_token_is_refused(demo, mislead):
    mislead(opaque=True)
    token = demo.sandbox.persona_token("clinician")
    form = {"token": token, "client_id": "chartgraph-web"}
    demo.http.post(f"{demo.sandbox.ready['issuer']}/revoke", data=form).raise_for_status()
    assert ask(demo, token) == (401, None, ["TOKEN_INVALID"])


@pytest.mark.parametrize("misdeed", ["unsigned", "symmetric", "critical", "dpop", "id-token"])
def test_a_misdeed_is_seen(demo, mislead, misdeed):
    mislead(misdeed=misdeed)
    token = demo.sandbox.persona_token("clinician")
    assert ask(demo, token) == (401, None, ["TOKEN_INVALID"])


def test_a_bound_token_needs_its_certificate(demo):
    token = demo.sandbox.persona_token("clinician", certificate="t" * 43)
    assert ask(demo, token) == (401, None, ["TOKEN_INVALID"])
