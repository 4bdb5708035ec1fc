"""The command line tells what is wrong and how to mend it, and never shows a traceback."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from chartgraph.ports import free_port

ROOT = Path(__file__).parents[2]
SUMMARY = ROOT / "schema/operations/patient-summary.graphql"


@pytest.fixture
def run(tmp_path):
    def run_(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "chartgraph", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={**os.environ, "CHARTGRAPH_HOME": str(tmp_path / "home"), **environment},
        )

    return run_


def test_plan_shows_the_fetches_their_cost_and_who_may_run_it(run):
    outcome = run("plan", SUMMARY)
    assert outcome.returncode == 0
    assert "Fetch(identity)" in outcome.stdout
    assert re.search(r"\d subgraph requests, .*; \d+ points", outcome.stdout)
    lines = {line.split()[0]: line for line in outcome.stdout.splitlines() if line.startswith("  ")}
    assert lines["clinician"].endswith("all of it")
    assert lines["developer"].endswith("nothing of it")
    assert "patient.conditions" in lines["biller"]


def test_plan_names_the_mistake_in_a_document(run, tmp_path):
    document = tmp_path / "wrong.graphql"
    document.write_text("{ patients { nodes { shoeSize } } }")
    outcome = run("plan", document)
    assert outcome.returncode == 1
    assert "GRAPHQL_VALIDATION_FAILED" in outcome.stderr
    assert "shoeSize" in outcome.stderr


def test_compose_writes_the_supergraph(run):
    outcome = run("compose", "--config", ROOT / "schema/supergraph.yaml")
    assert outcome.returncode == 0
    assert outcome.stdout == (ROOT / "schema/supergraph.graphql").read_text()


def test_compose_names_every_problem(run, tmp_path):
    (tmp_path / "a.graphql").write_text("type Query { a: Nowhere }")
    (tmp_path / "b.graphql").write_text("type Query {")
    config = tmp_path / "supergraph.yaml"
    config.write_text(
        "subgraphs:\n"
        "  a: {routing_url: 'http://a', schema: {file: a.graphql}}\n"
        "  b: {routing_url: 'http://b', schema: {file: b.graphql}}\n"
    )
    outcome = run("compose", "--config", config)
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert "INVALID_GRAPHQL" in outcome.stderr
    assert "a:1:" in outcome.stderr
    assert "b:1:" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_compose_filters_by_tags(run, tmp_path):
    (tmp_path / "a.graphql").write_text(
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@tag"])\n'
        'type Query { a: Int @tag(name: "x") b: Int @tag(name: "y") c: Int @tag(name: "z") d: Int }'
    )
    config = tmp_path / "supergraph.yaml"
    config.write_text("subgraphs: {a: {routing_url: 'http://a', schema: {file: a.graphql}}}")
    terms = ["--include-tag", "x", "--include-tag", "y", "--exclude-tag", "y"]
    outcome = run("compose", "--config", config, *terms)
    assert outcome.returncode == 0
    shown = [line for line in outcome.stdout.splitlines() if ": Int" in line]
    assert ["@inaccessible" in line for line in shown] == [False, True, True, True]
    outcome = run("compose", "--config", config, "--include-tag", "nothing")
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert "QUERY_ROOT_TYPE_INACCESSIBLE" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["token", "--persona", "clinician"], "no demo is running", id="no demo"),
        pytest.param(["token", "--persona", "nurse"], "nurse", id="unknown persona"),
        pytest.param(["compose", "--config", "/nonexistent"], "nonexistent", id="no config"),
        pytest.param(["plan", "/nonexistent"], "nonexistent", id="no document"),
        pytest.param(["up", "--port", "0"], "sources.yaml", id="no sources"),
        pytest.param(
            ["up", "--port", "0", "--config", "/nonexistent"], "nonexistent", id="no file"
        ),
        pytest.param(["gateway", "--dev", "--port", "1"], "supergraph", id="no supergraph"),
        pytest.param(["gateway", "--config", "/nonexistent"], "nonexistent", id="no settings"),
        pytest.param(["subgraph", "nowhere", "--port", "1"], "nowhere", id="unknown subgraph"),
    ],
)
def test_a_mistake_is_explained(run, arguments, complaint):
    outcome = run(*arguments)
    assert outcome.returncode not in (0, -9)
    assert complaint in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_up_names_the_holder_of_a_busy_port(run):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        outcome = run("up", "--demo", "--port", port)
    assert outcome.returncode == 1
    assert f"port {port} is held by" in outcome.stderr
    assert f"(process {os.getpid()})" in outcome.stderr


def test_up_without_an_issuer_says_so(run, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "sources.yaml").write_text("sources: {}")
    outcome = run("up", "--port", free_port())
    assert outcome.returncode == 1
    assert "issuer" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_reset_empties_the_folder(run, tmp_path):
    assert run("reset").returncode == 0
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    outcome = run("reset")
    assert outcome.returncode == 1
    assert "not a Chartgraph folder" in outcome.stderr


def test_keys_differ_at_every_call(run):
    first, second = run("keys").stdout.splitlines(), run("keys").stdout.splitlines()
    assert len(first) == len(second) > 10
    assert not set(first) & set(second)
    assert all(line.startswith("CHARTGRAPH_KEY_") for line in first)
