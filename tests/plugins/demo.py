"""The demo as a user starts it: `chartgraph up --demo`, in a process and a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.plugins.sandbox import Sandbox

OPERATIONS = Path(__file__).parents[2] / "schema" / "operations"
READY_SECONDS = 90  # generous: a busy machine is no failure


@dataclass
class Demo:
    home: Path
    gateway: str
    sandbox: Sandbox
    http: httpx2.Client
    pid: int = 0

    def post(self, body: Any, persona: str | None = "clinician", **options: Any) -> httpx2.Response:
        headers = dict(options.pop("headers", {}))
        if persona:
            headers["Authorization"] = f"Bearer {self.sandbox.persona_token(persona)}"
        return self.http.post(f"{self.gateway}/graphql", json=body, headers=headers, **options)

    def ask(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        persona: str | None = "clinician",
    ) -> dict[str, Any]:
        return self.post({"query": query, "variables": variables or {}}, persona).json()

    def run(self, operation: str, persona: str = "clinician", **variables: Any) -> dict[str, Any]:
        """Run one of the product's own operations by its name."""
        return self.ask((OPERATIONS / f"{operation}.graphql").read_text(), variables, persona)

    def patients(self, first: int = 100, persona: str = "clinician") -> list[dict[str, Any]]:
        query = "query($first: Int!) { patients(first: $first) { nodes { id name { text } } } }"
        return self.ask(query, {"first": first}, persona)["data"]["patients"]["nodes"]


@contextmanager
def running_demo(home: Path, *options: str) -> Iterator[Demo]:
    log = home / "up.log"
    command = [sys.executable, "-m", "chartgraph", "up", "--demo", "--port", "0", *options]
    # Exports at its start and no more: later ones would be among the calls that tests count.
    once = {"CHARTGRAPH_INSIGHT_SECONDS": "86400"}
    environment = {**once, **os.environ, "CHARTGRAPH_HOME": str(home)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            note = _await_note(process, home / "demo.json", log)
            _await_exports(home)
            ready = json.loads((home / "sandbox" / "ready.json").read_text())
            with httpx2.Client(trust_env=False, timeout=60) as http:
                yield Demo(home, note["gateway"], Sandbox(ready, http), http, process.pid)
            assert process.poll() is None, f"it died: {log.read_text()}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
        assert process.returncode == 0, f"it did not end in good order: {log.read_text()}"


def _await_note(process: subprocess.Popen[bytes], note: Path, log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY_SECONDS
    while not note.exists():
        assert process.poll() is None, f"it ended: {log.read_text()}"
        assert time.monotonic() < deadline, f"it is not ready: {log.read_text()}"
        time.sleep(0.05)
    return json.loads(note.read_text())


def _await_exports(home: Path) -> None:
    """Nothing waits for them but tests, whose counts of calls they would be among."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(OSError, ValueError):
            progress = json.loads((home / "insight.json").read_text())
            if not progress["is_running"] and progress["rounds"]:
                return
        assert time.monotonic() < deadline, "no export was read"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def demo_process(tmp_path_factory):
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture
def demo(demo_process):
    """The session's demo, with every upstream mended and every count at zero."""
    demo_process.sandbox.reset_faults()
    demo_process.sandbox.reset_calls()
    yield demo_process
    demo_process.sandbox.reset_faults()
