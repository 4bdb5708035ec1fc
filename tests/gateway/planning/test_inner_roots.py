"""A root type's value inside an answer, filled from another subgraph."""

import json

from graphql import parse

from gateway.engine import Engine
from gateway.federation.supergraph import load_supergraph
from tests.gateway.planning.supergraphs import supergraph_sdl

TYPES = """
type Query @join__type(graph: A) @join__type(graph: B) {
  fromA: Int @join__field(graph: A)
  fromB: [Int!]! @join__field(graph: B)
}
type Mutation @join__type(graph: A) { add: [Payload] }
type Payload @join__type(graph: A) { query: Query }
"""

QUERY = "mutation { add { query { fromA fromB } } }"


async def answered(from_a, from_b):
    engine = Engine(load_supergraph(supergraph_sdl(["a", "b"], TYPES)), {})
    asked = []

    async def exchange(subgraph, body, kind):
        asked.append((subgraph, str(kind)))
        return json.dumps(from_a if subgraph == "a" else from_b).encode()

    answer = await engine.run(engine.normalize(parse(QUERY), None), {}, exchange)
    return answer, asked


async def test_is_filled_wherever_it_lies():
    added = [{"query": {"fromA": 1}}, None, {"query": {"fromA": 2}}]
    answer, asked = await answered({"data": {"add": added}}, {"data": {"fromB": [7]}})
    assert answer.data == {
        "add": [
            {"query": {"fromA": 1, "fromB": [7]}},
            None,
            {"query": {"fromA": 2, "fromB": [7]}},
        ]
    }
    assert asked == [("a", "mutation"), ("b", "query")]


async def test_nothing_is_asked_where_there_is_none():
    answer, asked = await answered({"data": {"add": [None]}}, {})
    assert answer.data == {"add": [None]}
    assert asked == [("a", "mutation")]


async def test_its_errors_have_the_place_in_the_whole_answer():
    added = [{"query": {"fromA": 1}}]
    broken = {"data": None, "errors": [{"message": "no", "path": ["fromB", 0]}]}
    answer, _ = await answered({"data": {"add": added}}, broken)
    assert answer.data == {"add": [{"query": None}]}
    assert [error.path for error in answer.errors] == [("add", 0, "query", "fromB", 0)]
