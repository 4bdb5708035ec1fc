"""`chartgraph insight`: what operators see of exports, and how they hurry them."""

import threading

import pytest
from typer.testing import CliRunner

from chartgraph.cli import app
from subgraphs.connectors.errors import SourceState
from subgraphs.insight.notes import WORD, write_progress
from subgraphs.insight.sources.bulk import Progress
from subgraphs.insight.store.store import SourceExport

EXPORT = SourceExport("ehr-a", SourceState.OK, "2026-11-22T06:00:00Z", "2026-11-22T06:01", 3611, 2)
FAILED = SourceExport("ehr-b", SourceState.REFUSED, None, "2026-11-22T06:01", 0, 0)


def run(home, *arguments):
    environment = {"CHARTGRAPH_HOME": str(home), "COLUMNS": "200"}
    return CliRunner().invoke(app, ["insight", *arguments], env=environment)


def test_tells_how_each_source_did(tmp_path):
    write_progress(tmp_path, Progress((EXPORT, FAILED), 3, is_running=True, rounds=4))
    outcome = run(tmp_path, "status")
    assert outcome.exit_code == 0
    for text in ("ehr-a", "3611", "2026-11-22T06:00:00Z", "REFUSED", "never", "3 patients"):
        assert text in outcome.output
    assert "under way" in outcome.output


@pytest.mark.parametrize("command", ["status", "refresh"])
def test_without_any_says_what_to_look_at(tmp_path, command):
    outcome = run(tmp_path, command)
    assert outcome.exit_code == 1
    assert not (tmp_path / WORD).exists()


def test_waits_for_the_round_it_asked_for(tmp_path):
    write_progress(tmp_path, Progress((EXPORT,), 0, is_running=False, rounds=1))
    outcomes = []
    waiting = threading.Thread(target=lambda: outcomes.append(run(tmp_path, "refresh")))
    waiting.start()
    while not (tmp_path / WORD).exists():
        assert waiting.is_alive()
    write_progress(tmp_path, Progress((FAILED,), 0, is_running=False, rounds=2))
    waiting.join(20)
    assert outcomes[0].exit_code == 0
    assert "REFUSED" in outcomes[0].output


def test_does_not_wait_for_ever(tmp_path):
    write_progress(tmp_path, Progress((EXPORT,), 0, is_running=False, rounds=1))
    outcome = run(tmp_path, "refresh", "--wait", "0.1")
    assert outcome.exit_code == 1
