"""The matching keeps to the numbers docs/identity.md tells."""

from datetime import date
from pathlib import Path

import pytest

from bench.identity import __main__ as bench
from bench.identity.febrl import (
    HELD_BACK,
    by_points,
    decide_all,
    load,
    pairs_of,
    score,
    true_pairs,
)
from bench.identity.households import AS_PEOPLE_ARE, households
from bench.identity.sandbox import judge_seed
from bench.identity.scale import measure
from subgraphs.identity.index.matching import Matcher, Outcome

MATCHER = Matcher()


@pytest.fixture(scope="module")
def febrl():
    records = load(*HELD_BACK)
    return true_pairs(records), decide_all(records, MATCHER)


def test_points_tell_febrl_4_apart(febrl):
    true, verdicts = febrl
    alone = by_points(verdicts, true, MATCHER.weights.link)
    assert (alone.true, alone.precision >= 0.9995, alone.recall >= 0.985) == (5000, True, True)


def test_rules_cost_recall_and_never_precision(febrl):
    true, verdicts = febrl
    linked = score(verdicts, true, Outcome.LINK)
    assert linked.precision >= 0.9995
    assert linked.recall >= 0.985
    assert score(verdicts, true, Outcome.REVIEW).recall >= 0.99


@pytest.mark.parametrize("seed", [1, 13])
def test_no_false_link_among_the_sandbox_s_people(seed):
    judged = judge_seed(seed, 60, date(2026, 11, 22), MATCHER)
    assert (judged.wrong, judged.found) == (0, judged.true)


def test_no_false_link_among_made_up_kin():
    records, who = households(5, 400, AS_PEOPLE_ARE)
    true = pairs_of({key: person.number for key, person in who.items()})
    linked = score(decide_all(records, MATCHER), true, Outcome.LINK)
    assert linked.linked == linked.right > 0.8 * linked.true


async def test_the_measurement_finds_whom_it_indexed(tmp_path):
    measured = await measure(300, 100, tmp_path / "identity.db")
    assert (measured.people, measured.records, measured.wrong) == (300, 315, 0)
    assert measured.found > 0.8 * measured.known
    assert bench.table([measured]).splitlines()[-1].startswith("| 300 | 315 |")


def test_a_measured_part_replaces_the_one_before(tmp_path, monkeypatch):
    page = Path(tmp_path / "page.md")
    page.write_text("before\n<!-- scale -->\n<!-- end of scale -->\nafter\n")
    monkeypatch.setattr(bench, "PAGE", page)
    for text in ("one", "two\nlines"):
        bench.write("scale", text)
    assert page.read_text() == "before\n<!-- scale -->\ntwo\nlines\n<!-- end of scale -->\nafter\n"
