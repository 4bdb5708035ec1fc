"""The payer's prior authorizations over HTTP: the panel's lever, and what the operations refuse."""

from __future__ import annotations

import pytest


def post(sandbox, path, body):
    return sandbox.http.post(f"{sandbox.ready['control']}{path}", json=body)


@pytest.fixture
def ask(calm_sandbox):
    headers = {"authorization": f"Bearer {calm_sandbox.system_token('system/*.cruds')}"}

    def asked(operation, body, **more):
        url = f"{calm_sandbox.url('payer')}/Claim/{operation}"
        return calm_sandbox.http.post(url, json=body, headers={**headers, **more})

    return asked


def test_what_waits_is_decided_on_the_panel_once(calm_sandbox):
    control = calm_sandbox.ready["control"]
    waiting = calm_sandbox.http.get(f"{control}/authorizations").json()["pended"]
    assert len(waiting) >= 2
    headers = {"authorization": f"Bearer {calm_sandbox.system_token()}"}
    url = f"{calm_sandbox.url('payer')}/ClaimResponse?request=Claim/{waiting[0]}"

    def answer():
        (entry,) = calm_sandbox.http.get(url, headers=headers).json()["entry"]
        return str(entry["resource"])

    assert "'A4'" in answer()
    path = f"/authorizations/{waiting[0]}/decide"
    assert post(calm_sandbox, path, {"action": "A7"}).status_code == 422
    decided = post(calm_sandbox, path, {"action": "A3"})
    assert decided.json() == {"pended": waiting[1:]}
    assert "'A3'" in answer()
    assert post(calm_sandbox, path, {"action": "A1"}).status_code == 404


@pytest.mark.parametrize("operation", ["$submit", "$inquire"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 400),
        ({"resourceType": "Claim"}, 400),
        ({"resourceType": "Bundle"}, 422),
        ({"resourceType": "Bundle", "type": "collection"}, 400),
    ],
)
def test_what_is_no_request_is_refused(ask, operation, body, status):
    answer = ask(operation, body)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


def test_operations_want_a_token_and_are_counted(ask, calm_sandbox):
    assert ask("$submit", {}, authorization="Bearer nonsense").status_code == 401
    assert ask("$other", {}).status_code == 404
    counted = calm_sandbox.calls()["payer"]["calls"]["operation"]
    assert counted == {"Claim/$submit": 1, "Claim/$other": 1}
