"""The benchmark of exports reads what it says, into a store like any other."""

import asyncio

from bench import exports
from subgraphs.insight.measures.definition import load_measures


def test_counts_what_it_has_made_up(capsys):
    told = dict(asyncio.run(exports.measure(20)))
    made = sum(len(list(exports.rows(type_, 20))) for type_ in exports.TYPES)
    assert told["patients"] == "20"
    assert told["lines read"] == str(made)
    slowest = next(name for name in told if name.startswith("counting the slowest"))
    assert any(measure in slowest for measure in load_measures().by_id)
