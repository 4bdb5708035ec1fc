"""A subgraph on its own, as a process and with its access facts over HTTP."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from contract.context import Caller
from contract.keys import derive_key
from subgraphs.catalog import open_subgraphs
from subgraphs.runtime.access_facts import HttpPersons, SignedCalls
from subgraphs.runtime.consent import NO_DIRECTIVES
from subgraphs.runtime.crosswalk import Link
from subgraphs.runtime.directives import HttpDirectives
from subgraphs.runtime.errors import ClientError
from tests.certificates import Authority


def herself(graph) -> Caller:
    launch = f"ehr-a/{graph.launch}"
    return Caller("p", roles=("patient",), scopes=("patient/*.rs",), patient=launch)


ROOT = Path(__file__).parents[2]
MASTER = b"m" * 32


def calls(app, key: bytes) -> SignedCalls:
    transport = httpx2.ASGITransport(app)
    return SignedCalls(httpx2.AsyncClient(base_url="http://other", transport=transport), key)


def facts_over_http(app, key: bytes) -> HttpPersons:
    return HttpPersons(calls(app, key))


async def test_identity_answers_who_a_source_s_patient_is(graph):
    facts = facts_over_http(graph.apps["identity"], derive_key(MASTER, "access-facts"))
    member, stranger = Link("ehr-a", graph.launch), Link("ehr-a", "nobody")
    persons = await facts.persons([member, stranger])
    patient = await graph.patient("ehr-a", graph.launch)
    assert persons.keys() == {member}
    assert persons[member].id == patient["id"]
    assert tuple(sorted(persons[member].links)) == graph.links(patient)


async def test_identity_answers_nobody_without_the_key(graph):
    facts = facts_over_http(graph.apps["identity"], b"x" * 32)
    with pytest.raises(ClientError):
        await facts.persons([Link("ehr-a", graph.launch)])


async def test_governance_answers_what_a_person_has_directed(graph):
    links = graph.links(await graph.patient("ehr-a", graph.launch))
    governance = graph.apps["governance"]
    known = HttpDirectives(calls(governance, derive_key(MASTER, "access-facts")))
    assert (await known.look_up([links])).directives == (NO_DIRECTIVES,)
    with pytest.raises(ClientError):
        await HttpDirectives(calls(governance, b"x" * 32)).look_up([links])


CONDITIONS = "... on Patient { conditions { nodes { id } } }"


async def test_a_lone_subgraph_that_cannot_learn_what_was_directed_denies(sandbox_settings, graph):
    patient = await graph.patient("ehr-a", graph.launch)
    settings = sandbox_settings.model_copy(update={"governance_url": "http://127.0.0.1:9"})
    async with open_subgraphs(["records"], settings) as apps:
        graph.apps = {**graph.apps, **apps}
        others = await graph.entities("records", CONDITIONS, patient)
        own = await graph.entities("records", CONDITIONS, patient, caller=herself(graph))
    assert others.codes == ["SUBGRAPH_UNAVAILABLE"]
    assert others.data == [{"conditions": None}]
    # Nothing she directs keeps her record from herself.
    assert own.data[0]["conditions"]["nodes"]


async def test_a_lone_subgraph_that_cannot_learn_the_facts_denies(
    calm_sandbox, sandbox_settings, graph
):
    patient = await graph.patient("ehr-a", graph.launch)
    query = CONDITIONS
    listed = await graph.entities("records", query, patient)
    node = listed.data[0]["conditions"]["nodes"][0]
    settings = sandbox_settings.model_copy(update={"identity_url": "http://127.0.0.1:9"})
    async with open_subgraphs(["records", "governance"], settings) as apps:
        graph.apps = {**graph.apps, **apps}
        by_id = await graph.entities(
            "records", "... on Condition { id }", {"__typename": "Condition", **node}
        )
        # Lists need no facts: the links came along, sealed.
        again = await graph.entities("records", query, patient)
    assert (by_id.data, by_id.codes) == ([None], ["SUBGRAPH_UNAVAILABLE"])
    assert again.data == listed.data


def test_serves_one_subgraph_as_a_process(sandbox, sandbox_settings):
    with (
        _process(sandbox_settings) as (port, process),
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        _await_ready(client, process)
        query = {"query": "{patients(first:1){nodes{name{text}}}}"}
        answer = client.post("/graphql", json=query).json()
        assert answer["data"]["patients"]["nodes"][0]["name"]["text"]
        assert "extensions" not in answer
        refused = client.post(
            "/graphql", content=json.dumps(query), headers={"chartgraph-context": "a.b"}
        )
        assert refused.status_code == 401


def test_a_process_with_certificates_speaks_to_those_who_show_one(
    sandbox, sandbox_settings, tmp_path
):
    authority = Authority(tmp_path)
    own, gateway = authority.issue("127.0.0.1"), authority.issue("gateway")
    files = {"CERTIFICATE": own.certificate, "KEY": own.key, "CA": authority.ca}
    tls = {f"CHARTGRAPH_TLS_{name}": str(path) for name, path in files.items()}
    with _process(sandbox_settings, **tls) as (port, process):
        url = f"https://127.0.0.1:{port}"
        context = authority.context(gateway)
        with httpx2.Client(base_url=url, trust_env=False, verify=context) as client:
            _await_ready(client, process)
            assert client.post("/graphql", json={"query": "{__typename}"}).json()["data"]
        stranger = httpx2.Client(base_url=url, trust_env=False, verify=authority.context())
        with stranger, pytest.raises(httpx2.TransportError):
            stranger.get("/ready")


@contextmanager
def _process(settings, **variables):
    """Identity, served on a port, until the test is done with it."""
    port = _free_port()
    environment = {
        **os.environ,
        "CHARTGRAPH_HOME": str(settings.home),
        "CHARTGRAPH_MASTER_KEY": base64.b64encode(MASTER).decode(),
        **variables,
    }
    command = [sys.executable, "-m", "subgraphs", "identity", "--port", str(port), "--dev"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def _await_ready(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it was ready"
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    pytest.fail("it was not ready in time")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
