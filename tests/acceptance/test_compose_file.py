"""docker-compose.yml, tried without an engine: the same commands and environment on loopback.

What an engine would provide is put in place by hand: service names become ports of this machine,
mounted files their originals, the Valkey and EHR images a Valkey and EHRs of our own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from string import Template

import httpx2
import pytest
import yaml

from chartgraph.demo import issuers, write_sources
from chartgraph.demo import sandbox as running_sandbox
from chartgraph.keyset import new_keys
from chartgraph.ports import free_port
from contract.errors import Code
from tests.plugins.demo import Demo
from tests.plugins.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: each for name, each in COMPOSE["services"].items() if each["image"] == "chartgraph"}
START_SECONDS = 120
INNER = "4000"
"""The port every process of ours listens on inside its container."""


@pytest.fixture(scope="module")
def services(tmp_path_factory, valkey_url):
    home = tmp_path_factory.mktemp("compose")
    with contextlib.ExitStack() as stack:
        demo = stack.enter_context(
            running_sandbox(home, webhook_url="http://127.0.0.1:9", seed=7, patients=64)
        )
        write_sources(demo, home / "sources.yaml")
        outside = dict(new_keys()) | {"CHARTGRAPH_ISSUERS": json.dumps(issuers(demo))}
        ports, processes = {name: free_port() for name in OURS}, {}
        for name, service in OURS.items():
            (home / name).mkdir()
            environment = {
                variable: _on_loopback(value, ports, home, valkey_url, outside)
                for variable, value in service["environment"].items()
            }
            processes[name] = _start(service["command"], ports[name], environment, home / name)
            stack.callback(_stop, processes[name])
        _await_ready(ports, processes, home)
        ready = (home / "sandbox" / "ready.json").read_bytes()
        http = stack.enter_context(httpx2.Client(trust_env=False, timeout=60))
        sandbox = Sandbox(json.loads(ready), http)
        yield ports, Demo(home, f"http://127.0.0.1:{ports['gateway']}", sandbox, http)


def test_the_gateway_answers_from_its_subgraphs(services):
    _, demo = services
    (patient, *_) = demo.patients(first=1)
    answer = demo.run("patient-summary", id=patient["id"])
    assert answer["data"]["patient"]["name"] == patient["name"]
    assert "errors" not in answer


def test_what_a_patient_directs_is_followed_by_every_process(services):
    """And governance reads in the gateway's trail who saw what of it."""
    _, demo = services
    me = demo.ask("{ me { patient { id } } }", persona="patient")["data"]["me"]["patient"]["id"]
    query = "query($id: ID!) { patient(id: $id) { conditions { nodes { id } } } }"

    def shown():
        answer = demo.ask(query, {"id": me})
        assert "errors" not in answer
        return answer["data"]["patient"]["conditions"]["nodes"]

    before = shown()
    assert before
    deny = {"type": "DENY", "actors": [{"kind": "ROLE", "value": "clinician"}]}
    asked = {"persona": "patient", "idempotencyKey": "opt-out"}
    done = demo.run("record-consent", patient=me, provision=deny, **asked)
    consent = done["data"]["recordConsent"]["consent"]["id"]
    assert shown() == []
    demo.run("revoke-consent", consent=consent, **asked)
    assert shown() == before
    mine = demo.run("my-disclosures", persona="patient")["data"]["me"]["patient"]["disclosures"]
    assert [each["state"] for each in mine["sources"]] == ["OK"]
    reasons = [each["withheld"] for each in mine["nodes"] if each["who"]["roles"] == ["clinician"]]
    assert {"type": "Condition", "reason": "consent"} in reasons[1]
    assert {"type": "Condition", "reason": "consent"} not in reasons[0] + reasons[2]


def test_a_subgraph_answers_nobody_but_the_gateway(services):
    ports, demo = services
    for name in OURS.keys() - {"gateway"}:
        answer = demo.http.post(
            f"http://127.0.0.1:{ports[name]}/graphql", json={"query": "{__typename}"}
        )
        assert answer.status_code == httpx2.codes.UNAUTHORIZED
        assert Code.CONTEXT_REFUSED in answer.text


def test_a_process_is_given_the_keys_it_needs_and_no_other():
    for name in OURS.keys() - {"gateway"}:
        given = {each for each in OURS[name]["environment"] if "_KEY_CONTEXT_" in each}
        assert given == {f"CHARTGRAPH_KEY_CONTEXT_{name.upper()}"}
    assert not any("MASTER_KEY" in each for s in OURS.values() for each in s["environment"])


def _on_loopback(value, ports, home, valkey_url, outside):
    plain = re.sub(r"\$\{(\w+):\?[^}]*\}", r"${\1}", value)
    text = Template(plain).substitute(outside)
    for name, port in ports.items():
        text = text.replace(f"http://{name}:{INNER}", f"http://127.0.0.1:{port}")
    return (
        text.replace("redis://redis:6379", valkey_url)
        .replace("/etc/chartgraph/sources.yaml", str(home / "sources.yaml"))
        .replace("/etc/chartgraph/supergraph.graphql", str(ROOT / "schema/supergraph.graphql"))
        .replace("/etc/chartgraph/access", str(ROOT / "schema/access"))
        .replace("/var/lib/chartgraph-audit", str(home / "gateway"))
    )


def _start(command, port, environment, home):
    arguments = [
        {"0.0.0.0": "127.0.0.1", INNER: str(port)}.get(argument, argument) for argument in command
    ]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CHARTGRAPH_")}
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "chartgraph", *arguments],
            env=inherited | {"CHARTGRAPH_HOME": str(home)} | environment,
            stdout=log,
            stderr=log,
        )


def _stop(process):
    process.terminate()
    process.wait(timeout=30)


def _await_ready(ports, processes, home):
    deadline = time.monotonic() + START_SECONDS
    for name, port in ports.items():
        while not _is_ready(port):
            log = (home / name / "log").read_text()
            assert processes[name].poll() is None, f"{name} ended: {log}"
            assert time.monotonic() < deadline, f"{name} is not ready: {log}"
            time.sleep(0.1)


def _is_ready(port):
    try:
        ready = httpx2.get(f"http://127.0.0.1:{port}/ready", trust_env=False)
    except httpx2.TransportError:
        return False
    return ready.status_code == httpx2.codes.OK
