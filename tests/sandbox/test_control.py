"""The control app: counts, faults, visits, webhooks, and the panel."""

import pytest

BATCH = {
    "resourceType": "Bundle",
    "type": "batch",
    "entry": [{"request": {"method": "GET", "url": "Condition?patient=x"}}] * 3,
}


def post(sandbox, path, body, **options):
    return sandbox.http.post(f"{sandbox.ready['control']}{path}", json=body, **options)


def test_counts_calls_by_kind_and_type(calm_sandbox):
    headers = {"authorization": f"Bearer {calm_sandbox.system_token()}"}
    base = calm_sandbox.url("ehr-b")
    http = calm_sandbox.http
    http.get(f"{base}/metadata")
    http.get(f"{base}/Patient/x", headers=headers)
    http.get(f"{base}/Observation?_count=1", headers=headers)
    http.post(f"{base}/Observation/_search", data={"_count": "1"}, headers=headers)
    http.post(base, json=BATCH, headers=headers)
    http.get(f"{calm_sandbox.url('telehealth')}/v1/visits?ids=a", headers=headers)
    http.post(calm_sandbox.url("payer-x12"), content=b"ISA", headers=headers)
    calls = calm_sandbox.calls()
    assert calls["ehr-b"] == {
        "total": 5,
        "calls": {
            "batch": {"Bundle": 1},
            "metadata": {"metadata": 1},
            "read": {"Patient": 1},
            "search": {"Observation": 2},
        },
        "batch_entries": {"search": {"Condition": 3}},
    }
    assert calls["telehealth"]["calls"] == {"visits": {"visit": 1}}
    assert calls["payer-x12"]["calls"] == {"x12": {"270": 1}}
    assert calls["issuer"]["calls"] == {"token": {"token": 1}}
    assert calls["ehr-a"]["total"] == 0
    calm_sandbox.reset_calls()
    assert {report["total"] for report in calm_sandbox.calls().values()} == {0}


def test_what_is_left_out_keeps_its_value(calm_sandbox):
    calm_sandbox.set_faults("payer", latency_ms=5, rate_limit={"limit": 3})
    faults = post(calm_sandbox, "/faults", {"upstream": "payer", "batch": False}).json()
    assert faults == {
        "latency_ms": 5,
        "outage": "none",
        "rate_limit": {"limit": 3, "retry_after": 1.0},
        "multiple_or": True,
        "batch": False,
        "transaction": True,
        "dies": "never",
        "export": "none",
    }
    lifted = post(calm_sandbox, "/faults", {"upstream": "payer", "rate_limit": None}).json()
    assert lifted["rate_limit"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"upstream": "nobody"}, 404),
        ({"upstream": "control", "outage": "refuse"}, 404),
        ({}, 404),
        ([], 404),
        ({"upstream": "payer", "outage": "earthquake"}, 422),
        ({"upstream": "payer", "latency_ms": -1}, 422),
        ({"upstream": "payer", "latency": 1}, 422),
        ({"upstream": "payer", "rate_limit": {"limit": 1, "retry_after": 0}}, 422),
    ],
)
def test_refuses_faults_it_does_not_know(calm_sandbox, body, status):
    assert post(calm_sandbox, "/faults", body).status_code == status


def test_a_page_from_elsewhere_changes_nothing(calm_sandbox):
    foreign = {"origin": "http://evil.example"}
    answer = post(calm_sandbox, "/faults/reset", {}, headers=foreign)
    assert answer.status_code == 403
    own = {"origin": calm_sandbox.ready["control"]}
    assert post(calm_sandbox, "/faults/reset", {}, headers=own).status_code == 200


def test_changes_a_visit(calm_sandbox):
    headers = {"authorization": f"Bearer {calm_sandbox.system_token()}"}
    search = f"{calm_sandbox.url('ehr-a')}/Appointment?status=booked"
    entries = calm_sandbox.http.get(search, headers=headers).json()["entry"]
    extension = next(e["resource"]["extension"] for e in entries if "extension" in e["resource"])
    visit = next(e["valueString"] for e in extension[0]["extension"] if e["url"] == "sessionKey")
    answer = post(calm_sandbox, f"/visits/{visit}/status", {"status": "waiting"})
    assert answer.json() == {"visit": {"id": visit, "status": "waiting"}, "delivered": None}
    shown = calm_sandbox.http.get(
        f"{calm_sandbox.url('telehealth')}/v1/visits/{visit}", headers=headers
    )
    assert shown.json()["status"] == "waiting"
    assert post(calm_sandbox, f"/visits/{visit}/status", {"status": "odd"}).status_code == 422
    assert post(calm_sandbox, "/visits/nobody/status", {"status": "ended"}).status_code == 404


def test_a_webhook_goes_to_this_machine_alone(calm_sandbox):
    assert post(calm_sandbox, "/webhook", {"url": "http://evil.example/"}).status_code == 422
    assert post(calm_sandbox, "/webhook", {"url": "http://127.0.0.1:9/x"}).status_code == 200
    assert post(calm_sandbox, "/webhook", {"url": None}).json() == {"url": None}


@pytest.mark.parametrize(
    ("page", "content_type"),
    [("/", "text/html"), ("/panel.css", "text/css"), ("/panel.js", "text/javascript")],
)
def test_the_panel_is_its_own(calm_sandbox, page, content_type):
    answer = calm_sandbox.http.get(f"{calm_sandbox.ready['control']}{page}")
    assert answer.headers["content-type"].startswith(content_type)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("http-equiv", "")


def test_other_addresses_are_not_found(calm_sandbox):
    assert calm_sandbox.http.get(f"{calm_sandbox.ready['control']}/nothing").status_code == 404
