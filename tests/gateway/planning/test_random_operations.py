"""Random operations in a made-up world: plan, execute and project must say what the world says."""

import json
from random import Random

import pytest
from graphql import parse, validate

from gateway.engine import Engine
from gateway.execution.wire import encode
from gateway.federation.supergraph import load_supergraph
from gateway.planning import PlanError
from tests.gateway.planning.random_operations import OperationMaker
from tests.gateway.planning.universe import Universe
from tests.shared_data import shared_data

pytestmark = pytest.mark.shared_data

OPERATIONS = 4

SUITES = sorted(path.name for path in shared_data("federation-audit").iterdir() if path.is_dir())
COMPOSED = {
    case["id"]: case["apollo"]["supergraph"]
    for case in map(json.loads, shared_data("composition", "cases.jsonl").read_text().splitlines())
    if (case.get("apollo") or {}).get("supergraph")
}

UNPLANNABLE = {
    "corrupted-supergraph-node-id": "promises fields that no subgraph resolves",
    "non-resolvable-interface-object": "likewise",
    "dc3d840b84c2": "likewise",
}
"""What no plan can be found for; other operations on these are still held to."""


@pytest.mark.parametrize("suite", SUITES)
async def test_audit(suite):
    sdl = shared_data("federation-audit", suite, "supergraph.graphql").read_text()
    await check(sdl, suite)


@pytest.mark.parametrize("case", sorted(COMPOSED))
async def test_recorded_compositions(case):
    await check(COMPOSED[case], case)


async def check(sdl: str, name: str) -> None:
    supergraph = load_supergraph(sdl)
    random = Random(name)
    labels = frozenset(each for each in sorted(supergraph.override_labels) if random.random() < 0.5)
    universe = Universe(supergraph, labels)
    engine = Engine(supergraph, {})
    maker = OperationMaker(supergraph.api_schema, random)

    async def exchange(subgraph: str, body: bytes, kind: object) -> bytes:
        return universe.ask(subgraph, body)

    kinds = [kind for kind in ("query", "mutation") if kind in supergraph.roots]
    for number in range(OPERATIONS):
        text, variables = maker.make(kinds[number % len(kinds)])
        document = parse(text)
        if validate(supergraph.api_schema, document):
            continue  # Conflicting response keys: the maker is not that clever.
        operation = engine.normalize(document, None)
        try:
            engine.plan(operation, labels)
        except PlanError:
            assert name in UNPLANNABLE, text
            continue
        answer = await engine.run(operation, variables, exchange, labels=labels)
        assert not answer.errors, text
        assert json.loads(encode(answer.data)) == universe.answer(text, variables), text
