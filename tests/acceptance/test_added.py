"""What the guides add to Chartgraph, added: their files as they stand, installed and asked."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx2
import pytest
import yaml

from chartgraph.ports import free_port
from schema import ROLES
from tests.plugins.demo import Demo
from tests.plugins.sandbox import Sandbox

DOCS = Path(__file__).parents[2] / "docs"
FILES = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
TOKEN = "the laboratory's token"
PEOPLE = {
    "H-1": {"family": "Okafor", "given": "Ada", "born": "1961-04-02", "sex": "F"},
    "H-2": {"family": "Lindqvist", "given": "Olle", "born": "1987-11-30", "sex": "M"},
}
# As text: a number read and written again would be another one.
RESULTS = """[
{"accession": "A-1", "chart": "H-1", "loinc": "718-7", "name": "Hemoglobin", "value": 13.20,
 "unit": "g/dL", "collected": "2026-03-02T08:15:00-05:00", "status": "F"},
{"accession": "A-2", "chart": "H-2", "loinc": "718-7", "name": "Hemoglobin", "value": 15.0,
 "unit": "g/dL", "collected": "2026-03-05", "status": "C"},
{"accession": "A-3", "chart": "H-2", "loinc": "2345-7", "name": "Glucose", "value": 99,
 "unit": "mg/dL", "collected": "2026-03-05", "status": "F"},
{"accession": "A-9", "chart": "H-9", "loinc": "718-7", "name": "Hemoglobin", "value": 8.1,
 "unit": "g/dL", "collected": "2026-03-05", "status": "F"}]"""


def files_of(guide: str) -> dict[str, str]:
    return dict(FILES.findall((DOCS / guide).read_text()))


SOURCE, SUBGRAPH = files_of("adding-a-source.md"), files_of("adding-a-subgraph.md")


class Laboratory(BaseHTTPRequestHandler):
    """The API that the guide describes; it gives more than it is asked for."""

    asked: ClassVar[list[tuple[str, list[str]]]] = []

    def do_GET(self):
        people = [{"chart": chart, **person} for chart, person in PEOPLE.items()]
        first = self.path.endswith("after=")
        answer = {"people": people[:1], "next": "H-1"} if first else {"people": people[1:]}
        self._answer(json.dumps(answer))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, asked["charts"]))
        self._answer(f'{{"results": {RESULTS}}}')

    def _answer(self, text):
        is_known = self.headers["authorization"] == f"Bearer {TOKEN}"
        self.send_response(200 if is_known else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Ehr(BaseHTTPRequestHandler):
    """A FHIR server of two resources: one patient, and the study she takes part in."""

    held: ClassVar = {
        "Patient": {"name": [{"family": "Moreau", "given": ["Inès"]}], "birthDate": "1974-06-09"},
        "ResearchSubject": {
            "status": "on-study",
            "study": {"display": "HARBOR-2"},
            "individual": {"reference": "Patient/1"},
            "assignedArm": "B",
            "period": {"start": "2026-02-01"},
        },
    }

    def do_GET(self):
        self._answer({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})

    def do_POST(self):
        type_ = self.path.removeprefix("/").partition("/")[0]
        self.rfile.read(int(self.headers["content-length"]))
        resource = {"resourceType": type_, "id": "1", **self.held[type_]}
        entry = [{"resource": resource, "search": {"mode": "match"}}]
        self._answer({"resourceType": "Bundle", "type": "searchset", "entry": entry})

    def _answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/fhir+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def listening(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that the guides' packages are installed in."""
    folder = tmp_path_factory.mktemp("packages")
    packages = {"source": SOURCE, "subgraph": SUBGRAPH}
    for name, files in packages.items():
        (folder / name).mkdir()
        for file, text in files.items():
            (folder / name / file).write_text(text)
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    target = ["--no-build-isolation", "--target", folder / "site", *map(folder.joinpath, packages)]
    subprocess.run([sys.executable, "-m", "pip", *install, *target], check=True)
    return folder / "site"


@pytest.fixture(scope="module")
def added(site, sandbox, tmp_path_factory):
    """`chartgraph up` where they are installed; of the sandbox only the issuer is used."""
    home, port = tmp_path_factory.mktemp("added"), free_port()
    with (
        listening(Laboratory) as laboratory,
        listening(Ehr) as ehr,
        httpx2.Client(trust_env=False, timeout=60) as http,
        (home / "up.log").open("wb") as log,
    ):
        sources = yaml.safe_load(SOURCE["sources.yaml"])
        sources["sources"] |= yaml.safe_load(SUBGRAPH["sources.yaml"])["sources"]
        sources["sources"]["harbor"]["url"] = laboratory
        sources["sources"]["lakeside"]["url"] = ehr
        (home / "sources.yaml").write_text(yaml.safe_dump(sources))
        (home / "harbor.token").write_text(TOKEN)
        issuer = {"issuer": sandbox.ready["issuer"], "audience": [sandbox.ready["audience"]]}
        issuer |= {"patient_source": "harbor", "roles": str(ROLES)}
        (home / "gateway.yaml").write_text(yaml.safe_dump({"issuers": [issuer]}))
        command = ["up", "--port", str(port), "--config", str(home / "gateway.yaml")]
        process = subprocess.Popen(
            [sys.executable, "-m", "chartgraph", *command],
            env={**os.environ, "CHARTGRAPH_HOME": str(home), "PYTHONPATH": str(site)},
            stdout=log,
            stderr=log,
        )
        try:
            _await(f"http://127.0.0.1:{port}/ready", process, home / "up.log")
            yield Demo(home, f"http://127.0.0.1:{port}", Sandbox(sandbox.ready, http), http)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def test_the_graph_is_answered_by_the_new_kind_of_source(added):
    Laboratory.asked.clear()
    answer = added.ask(SOURCE["harbor.graphql"])
    assert "errors" not in answer, answer
    found = {
        node["name"]["text"]: [
            (each["valueQuantity"]["value"], each["effective"], each["status"])
            for each in node["observations"]["nodes"]
        ]
        for node in answer["data"]["patients"]["nodes"]
    }
    assert found == {
        "Ada Okafor": [("13.20", "2026-03-02T08:15:00-05:00", "final")],
        "Olle Lindqvist": [("15.0", "2026-03-05", "corrected")],
        "Inès Moreau": [],
    }
    states = [node["observations"]["sources"] for node in answer["data"]["patients"]["nodes"]]
    assert sorted(states, key=len) == [[], *[[{"source": "harbor", "state": "OK"}]] * 2]
    assert Laboratory.asked == [("/v1/results/search", ["H-1", "H-2"])]


def test_the_graph_is_answered_by_the_new_subgraph(added):
    answer = added.ask(SUBGRAPH["research.graphql"])
    assert "errors" not in answer, answer
    found = {
        node["name"]["text"]: node["studies"]["nodes"]
        for node in answer["data"]["patients"]["nodes"]
    }
    participation = {
        "study": "HARBOR-2",
        "status": "on-study",
        "arm": "B",
        "period": {"start": "2026-02-01"},
        "provenance": [{"source": "lakeside"}],
    }
    assert found == {"Inès Moreau": [participation], "Ada Okafor": [], "Olle Lindqvist": []}


def test_whoever_may_not_see_it_is_refused_by_the_gateway(added):
    answer = added.ask(SUBGRAPH["research.graphql"], persona="biller")
    assert "HARBOR-2" not in json.dumps(answer)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"SCOPE_REQUIRED"}


def test_its_credentials_are_checked(added, site):
    check = [sys.executable, "-m", "chartgraph", "sources", "check"]
    known = {**os.environ, "CHARTGRAPH_HOME": str(added.home), "PYTHONPATH": str(site)}
    outcome = subprocess.run(check, env=known, capture_output=True, text=True, check=True)
    assert "results v1" in outcome.stdout
    unknown = {**known, "PYTHONPATH": ""}
    outcome = subprocess.run(check, env=unknown, capture_output=True, text=True, check=False)
    assert "source harbor: there is no kind 'harbor-lab'" in outcome.stderr


def test_what_is_added_passes_the_tests_it_inherits(site):
    home = site.parent
    outcome = subprocess.run(
        [sys.executable, "-m", "pytest", "-vc", "source/pyproject.toml", "source", "subgraph"],
        env={**os.environ, "PYTHONPATH": str(site)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout
    assert outcome.stdout.count("TestHarborLab::") > 35
    assert outcome.stdout.count("TestResearch::") > 24


def test_what_the_guides_show_is_written_as_everything_else_is(site):
    config, ruff = DOCS.parent / "pyproject.toml", Path(sys.executable).with_name("ruff")
    files = [
        site.parent / name / file
        for name, shown in {"source": SOURCE, "subgraph": SUBGRAPH}.items()
        for file in shown
        if file.endswith(".py")
    ]
    formatted = [ruff, "format", "--check", "--config", config, *files]
    # A package of its own has an order of its imports, and its tests may do what ours may.
    ignored = "INP001,I001,ANN,ARG002,RUF012"
    checked = [ruff, "check", "--config", config, "--ignore", ignored, *files]
    for command in (formatted, checked):
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stdout


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
