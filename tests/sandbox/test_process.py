"""The sandbox as a process: when it is ready, and how it ends."""

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.plugins.sandbox import READY_SECONDS, ROOT, start_sandbox

PARENT = """
import os, subprocess, sys
subprocess.run([*sys.argv[1:], "--parent-pid", str(os.getpid())])
"""


def gone(pid):
    """Also a process that nobody has buried yet is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(true):
    deadline = time.monotonic() + READY_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_everything_answers_once_the_ready_file_is_there(calm_sandbox):
    ready = calm_sandbox.ready
    upstreams = {name: up for name, up in ready["upstreams"].items() if name != "payer-pas"}
    ports = {urlsplit(upstream["url"]).port for upstream in upstreams.values()}
    assert len(ports | {urlsplit(ready["control"]).port}) == len(upstreams) + 1
    # The payer takes requests for prior authorization where it has its records.
    assert ready["upstreams"]["payer-pas"]["url"] == ready["upstreams"]["payer"]["url"]
    headers = {"authorization": f"Bearer {calm_sandbox.system_token()}"}
    for name in ("ehr-a", "ehr-b", "payer"):
        answer = calm_sandbox.http.get(f"{calm_sandbox.url(name)}/Patient", headers=headers)
        assert answer.json()["total"] > 40
    assert calm_sandbox.http.get(f"{ready['issuer']}/jwks").status_code == 200
    assert len(calm_sandbox.truth["people"]) == ready["patients"] == 64


def test_a_token_is_for_one_audience(calm_sandbox):
    headers = {"authorization": f"Bearer {calm_sandbox.persona_token('clinician')}"}
    for upstream, path in (("ehr-a", "/Patient"), ("telehealth", "/v1/visits?ids=a")):
        answer = calm_sandbox.http.get(calm_sandbox.url(upstream) + path, headers=headers)
        assert answer.status_code == 401


def test_what_is_secret_is_its_owners_alone(calm_sandbox):
    ready = calm_sandbox.ready
    for file in (
        ready["client"]["key_file"],
        ready["telehealth_key_file"],
        ready["webhook_secret_file"],
        ready["truth_file"],
    ):
        assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_told_to(tmp_path, number):
    with start_sandbox(tmp_path, "--patients", "24") as started:
        issuer = started.ready["issuer"]
        started.process.send_signal(number)
        assert started.process.wait(READY_SECONDS) == 0
        assert not started.ready_file.exists()
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{issuer}/jwks", trust_env=False)


def test_makes_the_folders_it_writes_to(tmp_path):
    with start_sandbox(tmp_path / "not" / "yet", "--patients", "24") as started:
        assert started.ready_file.exists()


def test_keys_and_people_are_the_same_at_the_next_start(tmp_path):
    found = []
    for _ in range(2):
        with start_sandbox(tmp_path, "--patients", "24", "--today", "2026-11-22") as started:
            keys = httpx2.get(f"{started.ready['issuer']}/jwks", trust_env=False).json()
            truth = Path(started.ready["truth_file"]).read_text()
            found.append((keys, truth, Path(started.ready["client"]["key_file"]).read_text()))
    assert found[0] == found[1]


def test_ends_when_its_parent_is_killed(tmp_path):
    ready_file = tmp_path / "ready.json"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
            *(sys.executable, "-m", "sandbox", "--patients", "24"),
            *("--home", str(tmp_path), "--ready-file", str(ready_file)),
        ],
        cwd=ROOT,
    )
    wait_until(ready_file.exists)
    pid = json.loads(ready_file.read_text())["pid"]
    assert not gone(pid)
    parent.kill()  # and not waited for: it stays behind as a zombie
    wait_until(lambda: gone(pid))
    parent.wait()


def test_a_busy_port_is_told(tmp_path):
    with start_sandbox(tmp_path, "--patients", "24") as started:
        port = urlsplit(started.ready["issuer"]).port
        command = [sys.executable, "-m", "sandbox", "--home", str(tmp_path / "other")]
        command += ["--ready-file", str(tmp_path / "other.json"), "--ports", str(port)]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        assert second.returncode == 1
        assert str(port).encode() in second.stderr
        assert b"Traceback" not in second.stderr
        assert not (tmp_path / "other.json").exists()
        assert started.process.poll() is None


def test_too_few_patients_are_told(tmp_path):
    command = [sys.executable, "-m", "sandbox", "--home", str(tmp_path), "--patients", "3"]
    command += ["--ready-file", str(tmp_path / "ready.json")]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr == b"sandbox: --patients: at least 24 patients are needed\n"
