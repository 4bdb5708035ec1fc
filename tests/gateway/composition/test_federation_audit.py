"""The subgraph sets of the federation gateway audit compose to its own supergraphs."""

import json

import pytest

from gateway.composition import SubgraphInput, compose
from tests.gateway.composition.comparator import differences
from tests.shared_data import shared_data

SUITES = 46


@pytest.mark.shared_data
def test_every_suite_composes_to_its_supergraph():
    suites = sorted(path for path in shared_data("federation-audit").iterdir() if path.is_dir())
    unequal = {}
    for suite in suites:
        subgraphs = json.loads((suite / "subgraphs.json").read_text())
        composed = compose(
            [SubgraphInput(s["name"], s.get("url", ""), s["sdl"]) for s in subgraphs]
        )
        found = differences((suite / "supergraph.graphql").read_text(), composed.sdl)
        if found:
            unequal[suite.name] = found
    assert (len(suites), unequal) == (SUITES, {})
