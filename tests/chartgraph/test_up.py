"""`chartgraph up`, as a process that a supervisor ends."""

import json
import os
import shutil
import signal
import time

from gateway.audit.table import CHECKPOINTS
from schema import POLICIES
from tests.plugins.demo import running_demo


def test_told_to_end_it_closes_what_it_opened(tmp_path):
    with running_demo(tmp_path) as demo:
        assert demo.ask("{ me { roles } }") == {"data": {"me": {"roles": ["clinician"]}}}
    last = (tmp_path / CHECKPOINTS).read_text().splitlines()[-1]
    assert json.loads(last)["statement"]["closed"]
    assert not (tmp_path / "valkey.sock").exists()


def test_policies_of_ones_own_are_read_anew_on_a_hangup(tmp_path):
    folder = shutil.copytree(POLICIES, tmp_path / "access")
    (tmp_path / "gateway.yaml").write_text(f"policies: {folder}")
    with running_demo(tmp_path, "--config", str(tmp_path / "gateway.yaml")) as demo:

        def refused_here():
            """By the gateway; identity itself shows these numbers to stewards alone."""
            (error,) = demo.ask("{ patients(first: 1) { nodes { ssn } } }")["errors"]
            return "policies" in error["extensions"]

        assert refused_here()
        (folder / "more.cedar").write_text(
            '@id("more") @description("Clinicians too.") permit (principal in Role::"clinician",'
            ' action == Action::"identity-steward", resource);'
        )
        os.kill(demo.pid, signal.SIGHUP)
        deadline = time.monotonic() + 30
        while refused_here():
            assert time.monotonic() < deadline
            time.sleep(0.05)
