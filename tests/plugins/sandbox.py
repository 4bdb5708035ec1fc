"""The real sandbox, as a process of its own, for the session.

`sandbox` is a `Sandbox`: what its ready file says, and a little client for its control app. Tests
that break something use `sandbox.broken(...)`, or the fixture `calm_sandbox`, which mends all.
"""

from __future__ import annotations

import json
import os
import secrets
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
from joserfc import jwt
from joserfc.jwk import ECKey

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30  # generous: a busy machine is no failure
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Sandbox:
    ready: dict[str, Any]
    http: httpx2.Client

    @property
    def truth(self) -> dict[str, Any]:
        """`sandbox.truth.Truth`: who is whom, in every source."""
        return json.loads(Path(self.ready["truth_file"]).read_text())

    def url(self, upstream: str) -> str:
        return self.ready["upstreams"][upstream]["url"]

    def persona_token(self, persona: str, **options: Any) -> str:
        """`expires_in` in seconds may be negative: an expired token."""
        asked = {"persona": persona, **options}
        answer = self.http.post(f"{self.ready['issuer']}/persona-token", json=asked)
        return answer.raise_for_status().json()["access_token"]

    def client_assertion(self, **claims: Any) -> str:
        """private_key_jwt of the gateway's own client; `claims` replace the usual ones."""
        key = ECKey.import_key(json.loads(Path(self.ready["client"]["key_file"]).read_text()))
        client_id = self.ready["client"]["client_id"]
        usual = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.ready["token_url"],
            "exp": int(time.time()) + 240,
            "jti": secrets.token_hex(12),
        }
        header = {"alg": "ES384", "kid": key.kid}
        return jwt.encode(header, {**usual, **claims}, key, algorithms=["ES384"])

    def system_token(self, scope: str = "system/*.rs") -> str:
        """What the upstreams ask of the gateway."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.client_assertion(),
        }
        answer = self.http.post(self.ready["token_url"], data=form)
        return answer.raise_for_status().json()["access_token"]

    def calls(self) -> dict[str, Any]:
        """`{"ehr-a": {"total": 1, "calls": {"search": {"Patient": 1}}, "batch_entries": {}}}`."""
        answer = self.http.get(f"{self.ready['control']}/calls")
        return answer.raise_for_status().json()["upstreams"]

    def reset_calls(self) -> None:
        self.http.post(f"{self.ready['control']}/calls/reset").raise_for_status()

    def set_faults(self, upstream: str, **faults: Any) -> None:
        """As `sandbox.faults.Faults`: latency_ms, outage, rate_limit, multiple_or, batch."""
        body = {"upstream": upstream, **faults}
        self.http.post(f"{self.ready['control']}/faults", json=body).raise_for_status()

    def reset_faults(self) -> None:
        self.http.post(f"{self.ready['control']}/faults/reset").raise_for_status()

    @contextmanager
    def broken(self, upstream: str, **faults: Any) -> Iterator[None]:
        self.set_faults(upstream, **faults)
        try:
            yield
        finally:
            self.reset_faults()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    home = tmp_path_factory.mktemp("sandbox")
    with start_sandbox(home) as process, httpx2.Client(trust_env=False, timeout=10) as http:
        yield Sandbox(process.ready, http)


@pytest.fixture
def calm_sandbox(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The same, with nothing broken and nothing counted, before and after."""
    sandbox.reset_faults()
    sandbox.reset_calls()
    yield sandbox
    sandbox.reset_faults()


@dataclass(frozen=True)
class SandboxProcess:
    process: subprocess.Popen[bytes]
    ready_file: Path
    ready: dict[str, Any]


@contextmanager
def start_sandbox(home: Path, *options: str) -> Iterator[SandboxProcess]:
    ready_file = home / "ready.json"
    command = [sys.executable, "-m", "sandbox", "--home", str(home)]
    command += ["--ready-file", str(ready_file), "--parent-pid", str(os.getpid()), *options]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield SandboxProcess(process, ready_file, _await_ready(process, ready_file))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=READY_SECONDS)


def _await_ready(process: subprocess.Popen[bytes], ready_file: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the sandbox ended with {process.returncode} before it was ready")
        if ready_file.exists():
            return json.loads(ready_file.read_text())
        time.sleep(0.02)
    process.kill()
    pytest.fail("the sandbox was not ready in time")
