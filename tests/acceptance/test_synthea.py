"""Real bundles in a server nobody here wrote: our summary equals an independent reading of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal

import httpx2
import pytest
import yaml

from chartgraph.ports import free_port
from schema import ROLES
from tests.acceptance.synthea import read_facts
from tests.plugins.demo import OPERATIONS, Demo
from tests.plugins.sandbox import Sandbox, start_sandbox

pytestmark = [pytest.mark.third_party, pytest.mark.shared_data]

PEOPLE = """
query($after: String) {
  patients(first: 100, after: $after) {
    nodes { id name { family given } birthDate }
    pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.fixture(scope="module")
def graph(sekmet, tmp_path_factory):
    """`chartgraph up` over sekmet alone; of the sandbox only the issuer of tokens is used."""
    home = tmp_path_factory.mktemp("synthea")
    port = free_port()
    with (
        start_sandbox(home, "--patients", "24") as sandbox,
        httpx2.Client(trust_env=False, timeout=60) as http,
        (home / "up.log").open("wb") as log,
    ):
        (home / "sources.yaml").write_text(yaml.safe_dump({"sources": {"ehr": _source(sekmet)}}))
        (home / "gateway.yaml").write_text(yaml.safe_dump({"issuers": _issuers(sandbox.ready)}))
        command = ["up", "--port", str(port), "--config", str(home / "gateway.yaml")]
        process = subprocess.Popen(
            [sys.executable, "-m", "chartgraph", *command],
            env={**os.environ, "CHARTGRAPH_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
        try:
            _await(f"http://127.0.0.1:{port}/ready", process, home / "up.log")
            yield Demo(home, f"http://127.0.0.1:{port}", Sandbox(sandbox.ready, http), http)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def test_every_summary_equals_an_independent_reading_of_the_bundle(graph, sekmet):
    people = {(p["name"]["family"], p["name"]["given"][0], p["birthDate"]): p for p in _all(graph)}
    assert len(people) == len(sekmet.bundles) == 77
    compared = 0
    for bundle in sekmet.bundles:
        facts = read_facts(_exact(bundle))
        summary = _own_summary(graph, facts, people[facts.person]["id"])
        assert {_code(node) for node in summary["conditions"]["nodes"]} == facts.problems
        allergies = {(_code(n), n["clinicalStatus"]) for n in summary["allergies"]["nodes"]}
        assert allergies == facts.allergies, facts.person
        taken = summary["medicationRequests"]["nodes"]
        prescribed = [(node["medication"]["rxcui"], node["authoredOn"]) for node in taken]
        assert sorted(prescribed) == sorted(facts.taken), facts.person
        ours = {_code(node): _value(node) for node in summary["latestObservations"]["nodes"]}
        assert ours.keys() == facts.laboratory.keys(), facts.person
        for code, value in ours.items():
            assert value in facts.laboratory[code], (facts.person, code)
        compared += len(facts.problems) + len(facts.allergies) + len(facts.taken) + len(ours)
    assert compared > 1000


def _own_summary(graph, facts, id_):
    """Asked by the patient herself: others are refused what its codes mark as sensitive."""
    token = graph.sandbox.persona_token("patient", patient=facts.id)
    query = (OPERATIONS / "patient-summary.graphql").read_text()
    answer = graph.post(
        {"query": query, "variables": {"id": id_}},
        persona=None,
        headers={"authorization": f"Bearer {token}"},
    ).json()
    assert "errors" not in answer
    return answer["data"]["patient"]


def _all(graph):
    after = None
    while True:
        page = graph.ask(PEOPLE, {"after": after})["data"]["patients"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _exact(bundle):
    return json.loads(json.dumps(bundle), parse_float=Decimal, parse_int=Decimal)


def _code(node):
    return node["code"]["coding"][0]["code"]


def _value(node):
    if node["valueQuantity"]:
        return Decimal(node["valueQuantity"]["value"]), node["valueQuantity"]["unit"]
    return node["valueCodeableConcept"]["coding"][0]["code"]


def _source(sekmet):
    return {
        "kind": "fhir-r4",
        "url": sekmet.url,
        "serves": ["identity", "records", "diagnostics", "medications"],
        "timeout": 30.0,
        # It takes lists, but points to no SearchParameter that would say so.
        "multiple_or": "yes",
        "auth": {
            "kind": "smart-backend",
            "token_url": sekmet.token_url,
            "client_id": sekmet.client_id,
            "key_file": str(sekmet.key_file),
            "scope": "system/*.*",
        },
    }


def _issuers(ready):
    issuer = {"issuer": ready["issuer"], "audience": [ready["audience"]]}
    return [issuer | {"patient_source": "ehr", "roles": str(ROLES)}]


def _await(url, process, log):
    deadline = time.monotonic() + 90
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(url, trust_env=False).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
