"""What operations may cost, by the weights of a supergraph composed for it."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.bounds import Cost
from gateway.composition import SubgraphInput, compose
from gateway.demand.demand import Price
from gateway.demand.weights import CEILING, read_weights
from gateway.federation.supergraph import load_supergraph
from gateway.operation.normalize import normalize

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",
  import: ["@key", "@shareable", "@cost", "@listSize"])
type Query {
  one: Thing
  leaf: String
  things: [Thing!]
  few: [Thing!] @listSize(assumedSize: 3)
  paged(first: Int, last: Int): [Thing!]
    @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)
  known(first: Int = 20): Page
    @listSize(slicingArguments: ["first"], sizedFields: ["nodes", "edges"])
  assumed(first: Int): [Thing!] @listSize(assumedSize: 50, slicingArguments: ["first"])
  strict(first: Int, last: Int): [Thing!] @listSize(slicingArguments: ["first", "last"])
  grid: [[Thing]]
  dear: Thing @cost(weight: 7)
  words: [String] @cost(weight: 2) @listSize(assumedSize: 4)
  filtered(by: Filter, many: [Filter!], tag: String @cost(weight: 5)): Thing
  shape: Shape
  shapes: [Shape] @listSize(assumedSize: 2)
}
type Mutation { touch(filter: Filter): Thing }
type Thing { id: ID  name: String  inner: [Thing!]  one: Thing  heavy: Heavy  colour: Colour }
type Heavy @cost(weight: 11) { id: ID }
enum Colour @cost(weight: 3) { RED }
type Page { nodes: [Thing!]  edges: [Edge!]  total: Int }
type Edge { node: Thing }
input Filter { text: String @cost(weight: 4)  deeper: Filter  plain: Int }
interface Shape { id: ID  parts(first: Int): [Thing] }
type Square implements Shape {
  id: ID @cost(weight: 9)
  parts(first: Int): [Thing] @listSize(slicingArguments: ["first"], assumedSize: 6)
}
type Circle implements Shape { id: ID  parts(first: Int): [Thing] @listSize(assumedSize: 8) }
"""
GRAPH = load_supergraph(compose([SubgraphInput("a", "http://a", SDL)]).sdl)
WEIGHTS = read_weights(GRAPH)


def price(text: str, *, deferring: bool = False) -> Price:
    operation = normalize(parse(text), None, GRAPH.api_schema, deferring=deferring)
    return Price(operation, WEIGHTS, Cost())


def estimate(text: str, **variables: object) -> int:
    return price(text).estimate(variables)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("{ leaf }", 0),
        ("{ one { id name } }", 1),
        ("{ one { one { one { id } } } }", 3),
        ("{ a: one { id } b: one { id } }", 2),
        ("{ ...F ...F } fragment F on Query { one { id } }", 1),
        ("{ things { id } }", 10),
        ("{ things { inner { id } } }", 10 * (1 + 10)),
        ("{ few { inner { inner { id } } } }", 3 * (1 + 10 * (1 + 10))),
        ("{ grid { id } }", 100),
        ("{ dear { id } }", 7),
        ("{ words }", 8),
        ("{ one { heavy { id } } }", 12),
        ("{ one { colour } }", 4),
        ("{ paged(first: 5) { id } }", 5),
        ("{ paged(first: 5, last: 7) { id } }", 7),
        ("{ known(first: 5) { nodes { id } edges { node { id } } total } }", 1 + 5 + 5 * 2),
        ("{ known { ... { nodes { id } } } }", 1 + 20),
        ("{ known(first: 3) { nodes { inner { id } } } }", 1 + 3 * (1 + 10)),
        ("{ filtered(by: {plain: 1}) { id } }", 1 + 1),
        ('{ filtered(by: {text: "x", deeper: {text: "y"}}) { id } }', 1 + (1 + 4) + (1 + 4)),
        ("{ filtered(many: [{plain: 1}, {plain: 2}, {plain: 3}]) { id } }", 1 + 3),
        ('{ filtered(tag: "x") { id } }', 1 + 5),
        ("{ filtered(tag: null) { id } }", 1),
        ("{ shape { id } }", 1 + 9),
        ("{ shapes { ... on Square { id } } }", 2 * (1 + 9)),
        ("{ shapes { ... on Circle { id } } }", 2),
        ("{ shapes { parts { id } } }", 2 * (1 + 8)),
        ("{ shapes { parts(first: 40) { id } } }", 2 * (1 + 40)),
        ("mutation { touch { id } }", 10 + 1),
        ("mutation { touch(filter: {plain: 1}) { id } }", 10 + 1 + 1),
        ("{ __typename one { __typename } }", 1),
        ("{ __schema { types { fields { name } } } }", 1),
        ("{ one { id } few @skip(if: true) { id } }", 1),
    ],
)
def test_estimates(text, points):
    assert estimate(text) == points


@pytest.mark.parametrize("bad", [None, 0, -1, -(2**31), "5", True, [], {}, Decimal("-7.5")])
def test_what_is_no_number_of_rows_counts_as_the_most_the_schema_says(bad):
    text = "query($n: Int) { assumed(first: $n) { id } }"
    assert estimate(text, n=bad) == 50
    assert estimate("query($n: Int) { known(first: $n) { nodes { id } } }", n=bad) == 21
    assert estimate("query($n: Int) { paged(first: $n) { id } }", n=bad) == 10


@pytest.mark.parametrize(
    ("definition", "variables", "points"),
    [
        ("$n: Int", {}, 50),
        ("$n: Int = 5", {}, 5),
        ("$n: Int = null", {}, 50),
        ("$n: Int = 5", {"n": None}, 50),
        ("$n: Int = 5", {"n": 70}, 70),
        ("$n: Int = -5", {}, 50),
        ("$n: Int", {"n": Decimal("6E+1")}, 60),
        ("$n: Int", {"n": Decimal("1e999999")}, CEILING),
        ("$n: Int", {"n": 10**400}, CEILING),
    ],
)
def test_rows_from_variables(definition, variables, points):
    assert estimate(f"query({definition}) {{ assumed(first: $n) {{ id }} }}", **variables) == points


@pytest.mark.parametrize("literal", ["null", "0", "-1"])
def test_rows_written_out_that_nobody_can_tell(literal):
    assert estimate(f"{{ assumed(first: {literal}) {{ id }} }}") == 50


def test_lists_within_lists_saturate():
    text = "{ things {" + " inner {" * 30 + " id " + "}" * 32
    assert estimate(text) == CEILING
    varying = text.replace("{ things", "query($n: Int) { things: paged(first: $n)", 1)
    assert estimate(varying, n=2**31 - 1) == CEILING


@pytest.mark.parametrize(
    ("variables", "points"),
    [
        ({"on": True, "off": True}, 1),
        ({"on": False, "off": True}, 0),
        ({"on": True, "off": False}, 4),
        ({"on": "yes", "off": None}, 4),
        ({}, 4),
    ],
)
def test_conditions_are_decided_by_variables_and_by_nothing_else(variables, points):
    text = (
        "query($on: Boolean!, $off: Boolean!) {"
        " one @include(if: $on) { id } few @skip(if: $off) { id } }"
    )
    assert estimate(text, **variables) == points


def test_input_objects_in_variables():
    text = "query($f: Filter, $m: [Filter!]) { filtered(by: $f, many: $m) { id } }"
    assert estimate(text) == 1
    assert estimate(text, f={"text": "x", "unknown": {}}, m=[{}, {"text": "y"}]) == 1 + 5 + 1 + 5
    mixed = "query($f: Filter, $t: String) { filtered(by: {text: $t, deeper: $f}) { id } }"
    assert estimate(mixed, t="x", f={"text": "z"}) == 1 + 5 + 5
    nested: dict[str, object] = {}
    for _ in range(3000):
        nested = {"deeper": nested}
    assert estimate(text, f=nested) == CEILING


def test_which_lists_need_one_of_their_arguments():
    def unsliced(text, **variables):
        size = price(text).unsliced(variables)
        return size and (size.coordinate, [each.name for each in size.slices])

    wanted = ("Query.strict", ["first", "last"])
    assert unsliced("{ strict { id } }") == wanted
    assert unsliced("{ strict(first: 1, last: 2) { id } }") == wanted
    assert unsliced("query($n: Int) { strict(first: $n) { id } }") == wanted
    assert unsliced("query($n: Int) { strict(first: $n) { id } }", n=3) is None
    assert unsliced("query($n: Int) { strict(first: 1, last: $n) { id } }", n=3) == wanted
    assert unsliced("{ strict(last: 2) { id } }") is None
    assert unsliced("{ known { total } }") is None
    assert unsliced("{ paged { id } }") is None


@pytest.mark.parametrize(
    ("text", "data", "points"),
    [
        ("{ things { id } }", {"things": [{"id": 1}, None, {"id": 2}]}, 2),
        ("{ things { id } }", {"things": None}, 0),
        ("{ things { inner { id } } }", {"things": [{"inner": [{}, {}]}, {"inner": None}]}, 4),
        ("{ grid { id } }", {"grid": [[{}, None], None, [{}]]}, 2),
        ("{ dear { heavy { id } } }", {"dear": {"heavy": {"id": "x"}}}, 7 + 11),
        ("{ words }", {"words": ["a", None, "b"]}, 4),
        ("{ known { nodes { id } } }", {"known": {"nodes": [{}] * 7}}, 8),
        ("mutation { touch { id } }", {"touch": None}, 10),
        ("{ filtered(by: {plain: 1}) { id } }", {"filtered": {"id": "x"}}, 2),
        ("{ one { colour } }", {"one": {"colour": "RED"}}, 4),
        ("{ shape { ... on Square { id } ... on Circle { id } } }", {"shape": {"id": 1}}, 10),
        ("{ one { id } }", None, 0),
    ],
)
def test_counts_an_answer(text, data, points):
    assert price(text).actual(data, {}) == points


@pytest.mark.parametrize(
    ("text", "variables", "points"),
    [
        pytest.param("{ one { ... @defer { name } } }", {}, 10, id="one"),
        pytest.param("{ a: one { ... @defer { id ... @defer { name } } } }", {}, 20, id="nested"),
        pytest.param("{ things { ... @defer { name } } }", {}, 10, id="once for all rows"),
        pytest.param("{ one { ... @defer(if: false) { name } } }", {}, 0, id="not deferred"),
        pytest.param(
            "query($d: Boolean!) { one { ... @defer(if: $d) { name } } }", {"d": True}, 10, id="if"
        ),
        pytest.param(
            "query($d: Boolean!) { one { ... @defer(if: $d) { name } } }", {"d": False}, 0, id="no"
        ),
        pytest.param(
            "query($d: Boolean = false) { one { ... @defer(if: $d) { name } } }",
            {},
            0,
            id="default",
        ),
        pytest.param(
            "query($d: Boolean!) { one @skip(if: $d) { ... @defer { name } } }",
            {"d": True},
            0,
            id="skipped",
        ),
    ],
)
def test_a_deferred_fragment_costs_beside_its_fields(text, variables, points):
    """Estimated and counted alike: its requests are made, whatever they bring."""
    deferring, whole = price(text, deferring=True), price(text)
    assert deferring.estimate(variables) - whole.estimate(variables) == points
    assert deferring.actual({"one": None}, variables) == points
    assert whole.actual({"one": None}, variables) == 0


def test_many_deferred_fragments_are_dear():
    text = "{ one { " + "... @defer { name } " * 50 + "} }"
    assert price(text, deferring=True).estimate({}) == 1 + 50 * Cost().deferred


def test_counts_an_answer_of_structs():
    thing = msgspec.defstruct("Thing", [("f_id", str), ("f_inner", list)], rename={"f_inner": "in"})
    root = msgspec.defstruct("Query", [("f_t", object)], rename={"f_t": "t"})
    asked = price("{ t: things { id in: inner { id } } }")
    leaf = thing("x", None)
    assert asked.actual(root([thing("a", [leaf, None, leaf]), thing("b", msgspec.UNSET)]), {}) == 4
    assert asked.actual(root(None), {}) == 0


rows = st.none() | st.integers(-5, 30)


@given(rows, rows)
def test_an_answer_as_long_as_asked_for_never_costs_more_than_estimated(outer, inner):
    text = (
        "query($n: Int, $m: Int) { known(first: $n) { nodes { id } edges { node { id } } }"
        " paged(first: $m) { inner { id } } }"
    )
    asked = price(text)
    many = outer if outer and outer > 0 else 20
    more = inner if inner and inner > 0 else 10
    data = {
        "known": {"nodes": [{"id": 1}] * many, "edges": [{"node": {"id": 1}}] * many},
        "paged": [{"inner": [{}] * 10}] * more,
    }
    variables = {"n": outer, "m": inner}
    assert asked.actual(data, variables) == asked.estimate(variables)


@pytest.mark.parametrize(
    ("directive", "weight"),
    [("@cost(weight: -5)", 0), ('@cost(weight: "2.5")', 3), ('@cost(weight: "x")', 1)],
)
def test_weights_of_other_composers(directive, weight):
    sdl = compose([SubgraphInput("a", "http://a", SDL)]).sdl.replace("@cost(weight: 7)", directive)
    graph = load_supergraph(sdl)
    operation = normalize(parse("{ dear { id } }"), None, graph.api_schema)
    assert Price(operation, read_weights(graph), Cost()).estimate({}) == weight
