"""A root type's value inside an answer, filled from another subgraph."""

import json

from graphql import parse, validate

from gateway.engine import Engine
from gateway.federation.supergraph import load_supergraph
from tests.gateway.planning.supergraphs import supergraph_sdl

TYPES = """
type Query @join__type(graph: A) @join__type(graph: B) {
  fromA: Int @join__field(graph: A)
  fromB: [Int!]! @join__field(graph: B)
}
type Mutation @join__type(graph: A) { add: [Payload] either: [Either] }
type Payload @join__type(graph: A) { query: Query }
union Either @join__type(graph: A)
  @join__unionMember(graph: A, member: "Query") @join__unionMember(graph: A, member: "Payload")
  = Query | Payload
"""

QUERY = "mutation { add { query { fromA fromB } } }"


async def answered(from_a, from_b, query=QUERY, **variables):
    engine = Engine(load_supergraph(supergraph_sdl(["a", "b"], TYPES)), {})
    asked = []

    async def exchange(subgraph, body, kind):
        asked.append((subgraph, str(kind)))
        return json.dumps(from_a if subgraph == "a" else from_b).encode()

    document = parse(query)
    assert not validate(engine.schema, document)
    answer = await engine.run(engine.normalize(document, None), variables, exchange)
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


SCHEMA = "s: __schema { queryType { name } }"
TYPE = '__type(name: "Payload") { fields { name } }'
SCHEMA_ANSWER = {"queryType": {"name": "Query"}}
TYPE_ANSWER = {"fields": [{"name": "query"}]}


async def test_the_schema_is_told_wherever_it_is_asked_for():
    added = [{"query": {"fromA": 1}}, None, {"query": None}]
    query = f"mutation {{ add {{ query {{ {SCHEMA} fromA {TYPE} }} }} }}"
    answer, asked = await answered({"data": {"add": added}}, {}, query)
    told = {"s": SCHEMA_ANSWER, "fromA": 1, "__type": TYPE_ANSWER}
    assert answer.data == {"add": [{"query": told}, None, {"query": None}]}
    assert not answer.errors
    assert asked == [("a", "mutation")]


async def test_the_schema_alone_needs_the_object_around_it():
    added = [{"query": {"__typename": "Query"}}, {"query": None}]
    query = f"mutation {{ add {{ query {{ {SCHEMA} }} }} }}"
    answer, asked = await answered({"data": {"add": added}}, {}, query)
    assert answer.data == {"add": [{"query": {"s": SCHEMA_ANSWER}}, {"query": None}]}
    assert asked == [("a", "mutation")]


async def test_the_schema_behind_types_and_conditions():
    query = f"""mutation ($no: Boolean!) {{
      either {{
        ... on Query {{ ... @include(if: $no) {{ {TYPE} }} {SCHEMA} }}
        ... on Payload {{ query {{ {TYPE} }} }}
      }}
    }}"""
    either = [{"__typename": "Query"}, {"__typename": "Payload", "query": {}}]
    answer, _ = await answered({"data": {"either": either}}, {}, query, no=False)
    assert answer.data == {"either": [{"s": SCHEMA_ANSWER}, {"query": {"__type": TYPE_ANSWER}}]}
    assert not answer.errors
