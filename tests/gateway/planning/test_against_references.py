"""Our plans against those of two reference gateways, on the public audit's operations."""

import json

import pytest
from graphql import parse, validate

from gateway.federation.supergraph import load_supergraph
from gateway.operation import normalize
from gateway.planning import PlanError, build_query_graph, plan
from tests.gateway.planning.reference_plans import weigh, weigh_apollo, weigh_hive
from tests.shared_data import shared_data

DEARER: dict[tuple[str, int], str] = {}
"""Suite and operation to the reason why ours may cost more than the better reference."""

UNPLANNABLE = {
    ("corrupted-supergraph-node-id", 0),
    ("corrupted-supergraph-node-id", 5),
    ("non-resolvable-interface-object", 1),
}
"""The audit expects an error: the supergraph promises what no subgraph resolves."""

SUITES = sorted(path.name for path in shared_data("federation-audit").iterdir() if path.is_dir())


@pytest.mark.shared_data
@pytest.mark.parametrize("suite", SUITES)
def test_needs_no_more_requests_or_waves_than_the_better_reference(suite):
    folder = shared_data("federation-audit", suite)
    supergraph = load_supergraph((folder / "supergraph.graphql").read_text())
    graph = build_query_graph(supergraph)
    for number, case in enumerate(json.loads((folder / "tests.json").read_text())):
        document = parse(case["query"])
        if validate(supergraph.api_schema, document):
            assert case["expected"]["errors"]
            continue
        operation = normalize(document, None, supergraph.api_schema)
        if (suite, number) in UNPLANNABLE:
            assert case["expected"] == {"data": None, "errors": True}
            with pytest.raises(PlanError, match="no subgraph resolves"):
                plan(operation, graph)
            continue
        requests, depth = weigh(plan(operation, graph))
        references = [
            weigh_hive((folder / f"plans/{number:02d}.hive.json").read_text()),
            weigh_apollo((folder / f"plans/{number:02d}.apollo.txt").read_text()),
        ]
        # A reference without a plan has failed, or answers without one.
        best = [reference for reference in references if reference != (0, 0)]
        if best and (suite, number) not in DEARER:
            assert requests <= min(each[0] for each in best), number
            assert depth <= min(each[1] for each in best), number
