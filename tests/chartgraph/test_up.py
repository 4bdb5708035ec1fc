"""`chartgraph up`, as a process that a supervisor ends."""

import json

from gateway.audit.table import CHECKPOINTS
from tests.plugins.demo import running_demo


def test_told_to_end_it_closes_what_it_opened(tmp_path):
    with running_demo(tmp_path) as demo:
        assert demo.ask("{ me { roles } }") == {"data": {"me": {"roles": ["clinician"]}}}
    last = (tmp_path / CHECKPOINTS).read_text().splitlines()[-1]
    assert json.loads(last)["statement"]["closed"]
    assert not (tmp_path / "valkey.sock").exists()
