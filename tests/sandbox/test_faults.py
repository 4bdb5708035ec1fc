"""Each fault, as a client over HTTP meets it."""

import json

import httpx2
import pytest


@pytest.fixture
def ask(calm_sandbox):
    token = calm_sandbox.system_token()
    calm_sandbox.reset_calls()
    headers = {"authorization": f"Bearer {token}"}
    client = httpx2.Client(base_url=calm_sandbox.url("ehr-a"), headers=headers, trust_env=False)

    def get(path="Patient", **options):
        return client.get(path, **options)

    with client:
        yield get


def test_nothing_is_broken_to_begin_with(ask):
    assert ask().status_code == 200


@pytest.mark.parametrize(
    ("outage", "error"),
    [
        ("refuse", httpx2.ConnectError),
        ("reset", (httpx2.ReadError, httpx2.RemoteProtocolError)),
        ("half", httpx2.RemoteProtocolError),
        ("hang", httpx2.ReadTimeout),
    ],
)
def test_breaks_the_connection(calm_sandbox, ask, outage, error):
    with calm_sandbox.broken("ehr-a", outage=outage), pytest.raises(error):
        ask(timeout=0.5)
    assert ask().status_code == 200


def test_is_down(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", outage="503"):
        assert ask().status_code == 503


def test_answers_with_a_web_page(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", outage="html"):
        answer = ask()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_cuts_the_json_of_a_whole_message(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", outage="truncated"):
        answer = ask()
    assert len(answer.content) == int(answer.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("path", ["Patient?_id=nobody", "Patient?_count=1"])
def test_leads_to_a_foreign_host(calm_sandbox, ask, path):
    with calm_sandbox.broken("ehr-a", outage="foreign-next"):
        links = [link for link in ask(path).json()["link"] if link["relation"] == "next"]
    assert [link["url"].startswith("http://elsewhere.invalid/") for link in links] == [True]


def test_a_read_is_left_alone_by_foreign_next(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", outage="foreign-next"):
        patient = ask("Patient?_count=1").json()["entry"][0]["resource"]
        assert ask(f"Patient/{patient['id']}").json() == patient


def test_is_slow(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", latency_ms=30_000), pytest.raises(httpx2.ReadTimeout):
        ask(timeout=0.3)


def test_limits_the_rate(calm_sandbox, ask):
    limit = {"limit": 2, "retry_after": 600}
    with calm_sandbox.broken("ehr-a", rate_limit=limit):
        answers = [ask() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "600"
    assert ask().status_code == 200


def test_a_rate_limit_set_anew_counts_anew(calm_sandbox, ask):
    for _ in range(2):
        calm_sandbox.set_faults("ehr-a", rate_limit={"limit": 1, "retry_after": 600})
        assert [ask().status_code for _ in range(2)] == [200, 429]


def test_a_rate_limit_recovers(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", rate_limit={"limit": 1, "retry_after": 0.05}):
        statuses = [ask().status_code]
        while statuses.count(200) < 3:
            statuses.append(ask().status_code)
    assert 429 in statuses


def test_others_go_on(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-b", outage="refuse"):
        assert ask().status_code == 200


def test_capabilities_are_switched_for_one_upstream(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", multiple_or=False, batch=False):
        assert ask("Patient?_id=a,b").status_code == 400
        rest = ask("metadata").json()["rest"][0]
        assert rest["interaction"] == []
    assert ask("Patient?_id=a,b").status_code == 200


def test_a_broken_answer_is_still_a_call(calm_sandbox, ask):
    with calm_sandbox.broken("ehr-a", outage="503"):
        ask("Observation")
    assert calm_sandbox.calls()["ehr-a"]["calls"] == {"search": {"Observation": 1}}


def test_the_issuer_can_be_broken_too(calm_sandbox):
    with calm_sandbox.broken("issuer", outage="503"), pytest.raises(httpx2.HTTPStatusError):
        calm_sandbox.system_token()


@pytest.mark.parametrize("dies", ["before", "after"])
def test_the_connection_is_lost_at_a_write_alone(calm_sandbox, dies):
    token = calm_sandbox.system_token("system/*.cruds")
    headers = {"authorization": f"Bearer {token}"}
    url = calm_sandbox.url("ehr-a")
    condition = {"resourceType": "Condition", "subject": {"display": dies}}
    mark = {"system": "urn:lost", "value": dies}
    with httpx2.Client(base_url=url, headers=headers, trust_env=False) as client:
        with calm_sandbox.broken("ehr-a", dies=dies):
            with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
                client.post("Condition", json={**condition, "identifier": [mark]})
            found = client.get("Condition", params={"identifier": f"urn:lost|{dies}"})
        assert len(found.json().get("entry", [])) == (dies == "after")
