"""That the benchmarks measure what they say; how long anything takes is no test's business."""

import json

import pytest

from bench import authorization, limits, planning
from bench.attacks import ATTACKS
from bench.measuring import cpu_seconds, table
from tests.shared_data import shared_data


def test_the_least_of_the_runs():
    runs = []
    assert cpu_seconds(lambda: runs.append(sum(range(1000))), repeats=3) >= 0
    assert len(runs) == 3


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


@pytest.mark.shared_data
def test_planning_measures_each_valid_operation(capsys, monkeypatch, tmp_path):
    """One suite with an invalid operation among its own, one with some that have no plan."""
    for name in ("enum-intersection", "corrupted-supergraph-node-id"):
        (tmp_path / name).symlink_to(shared_data("federation-audit", name))
    tests = [json.loads(path.read_text()) for path in tmp_path.glob("*/tests.json")]
    monkeypatch.setattr("sys.argv", ["planning", str(tmp_path)])
    planning.main()
    invalid = 1
    assert f"| operations | {sum(map(len, tests)) - invalid} |" in capsys.readouterr().out


def test_every_attack_has_its_line(capsys, monkeypatch):
    monkeypatch.setattr(limits, "REPEATS", 2)
    limits.main()
    told = capsys.readouterr().out
    assert all(f"| {attack.name} | 4" in told for attack in ATTACKS)
    assert "| costs off |" in told


def test_the_share_of_authorization_is_that_of_knowing_who_and_deciding():
    assert authorization.Share(whole=10.0, identifying=0.25, deciding=0.25).percent == 5.0


async def test_a_recorded_subgraph_answers_as_it_did():
    class Echo:
        async def send(self, body, *_, **__):
            return body + b"!"

    recorded = authorization.Recorded(Echo())
    assert await recorded.send(b"a", (), 1.0) == b"a!"
    recorded.replay, recorded.client = True, None
    assert await recorded.send(b"a", (), 1.0) == b"a!"
