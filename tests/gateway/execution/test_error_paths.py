"""At which of the client's paths an error of a subgraph is told, in one answer and in parts."""

from __future__ import annotations

import pytest
from graphql import parse

from contract.errors import Code
from gateway.execution.deliver import Delivery
from gateway.execution.execute import Fetched
from gateway.execution.faults import FetchError, fault_of
from gateway.execution.groups import GroupBySets, resolve_groups
from gateway.execution.resolve import resolve_shape
from gateway.operation.deferred import deferrals
from gateway.operation.normalize import normalize
from tests.gateway.execution.kit import Client, told

CLIENT = Client.of(
    """
    type Query { nodes: [Node] things: [Thing] }
    interface Node { id: ID next: Node }
    union Thing = Row | Leaf
    type Row implements Node { id: ID next: Node own: Row name: String }
    type Leaf implements Node { id: ID next: Node own: Leaf color: String }
    """
)
THINGS = "{ things { ... on Row { own { name } } ... on Leaf { own { color } } } }"
ROW = {"__typename": "Row", "own": {"name": None}}
LEAF = {"__typename": "Leaf", "own": {"color": None}}


def failed(*place, whole=False):
    return FetchError(fault_of(Code.SUBGRAPH_ERROR), (place,), whole)


def down(*place):
    return FetchError(fault_of(Code.SUBGRAPH_UNAVAILABLE), (place,), whole=True)


def paths(query, data, *errors):
    return [path for _, path in CLIENT.project(query, Fetched(data, errors))[1]]


@pytest.mark.parametrize(
    ("thing", "place", "path"),
    [
        pytest.param(ROW, ("own", "name"), ("own", "name"), id="a row"),
        pytest.param(LEAF, ("own", "color"), ("own", "color"), id="a leaf"),
        pytest.param(ROW, ("own", "color"), ("own",), id="what only a leaf is asked for"),
        pytest.param(LEAF, ("own", "name"), ("own",), id="what only a row is asked for"),
        pytest.param(ROW, ("id",), (), id="what nobody is asked for"),
        pytest.param(None, ("own", "name"), ("own", "name"), id="a null that was a row"),
        pytest.param(None, ("own", "color"), ("own", "color"), id="a null that was a leaf"),
        pytest.param(None, ("own", "id"), ("own",), id="a null, nobody is asked for it"),
        pytest.param(
            {"__typename": "Row", "own": None}, ("own", "color"), ("own",), id="a null of a row"
        ),
    ],
)
def test_what_is_selected_depends_on_the_type_of_the_row(thing, place, path):
    """The row before is of the other type, or says nothing."""
    for other in (ROW, LEAF, None):
        data = {"things": [other, thing]}
        assert paths(THINGS, data, failed("things", 1, *place)) == [("things", 1, *path)]


@pytest.mark.parametrize("step", [2, -1, "own"])
def test_a_place_that_is_not_in_the_data(step):
    query = "{ things { ... on Row { own { name } } } }"
    data = {"things": [ROW]}
    expected = ("things",) if step == "own" else ("things", step, "own", "name")
    assert paths(query, data, failed("things", step, "own", "name")) == [expected]


def test_below_a_null_the_members_of_members_are_not_all_tried():
    depth = 40
    nested = "id"
    for _ in range(depth):
        nested = f"next {{ __typename {nested} }}"
    place = ("nodes", 0, *["next"] * depth, "id")
    assert paths(f"{{ nodes {{ {nested} }} }}", {"nodes": [None]}, failed(*place)) == [place]


def deliver(query, data, *errors, later=()):
    """What is told with the first part, and with all others together."""
    operation = normalize(parse(query), None, CLIENT.schema, deferring=True)
    parts = deferrals(operation.selections)
    grouping = GroupBySets({each.number: each.parent for each in parts})
    delivery = Delivery(
        resolve_groups(operation, CLIENT.schema, {}, {}, grouping),
        resolve_shape(operation, CLIENT.schema, {}, {}),
        parts,
        lambda numbers: [*errors, *(later if tuple(numbers) else ())],
    )
    first = delivery.begin(data)
    others = []
    while delivery.awaited:
        others += delivery.go_on(delivery.awaited).errors
    return told(first.errors), told(others)


def test_what_was_told_with_one_part_is_not_told_of_what_another_misses():
    query = "{ nodes { id ... on Row @defer { name } } }"
    data = {"nodes": [{"__typename": "Row", "id": None}]}
    assert deliver(query, data, failed("nodes", 0, "id"), later=[down("nodes", 0)]) == (
        [("SUBGRAPH_ERROR", ("nodes", 0, "id"))],
        [("SUBGRAPH_UNAVAILABLE", ("nodes", 0, "name"))],
    )


def test_what_failed_unseen_below_one_part_is_not_told_of_what_another_misses():
    query = "{ nodes { next { id } ... on Row @defer { name } } }"
    data = {"nodes": [{"__typename": "Row", "next": {"__typename": "Leaf", "id": "1"}}]}
    assert deliver(query, data, failed("nodes", 0, "next", "color")) == (
        [],
        [("SUBGRAPH_ERROR", ("nodes", 0, "next"))],
    )


def test_a_failure_that_shows_nowhere_is_told_beside_one_like_it_that_does():
    query = "{ nodes { id ... on Row @defer { name } } }"
    data = {"nodes": [{"__typename": "Row", "id": "1"}]}
    assert deliver(query, data, down(), later=[down("nodes", 0)]) == (
        [],
        [("SUBGRAPH_UNAVAILABLE", ("nodes", 0, "name")), ("SUBGRAPH_UNAVAILABLE", None)],
    )


def test_parts_that_fetch_the_same_and_fail_alike_are_told_once():
    query = "{ nodes { id ... on Row @defer { name } } }"
    data = {"nodes": [{"__typename": "Row", "id": "1"}]}
    one, other = down("nodes", 0), down("nodes", 0)
    assert deliver(query, data, later=[one, other])[1] == [
        ("SUBGRAPH_UNAVAILABLE", ("nodes", 0, "name"))
    ]
    data = {"nodes": [{"__typename": "Row", "id": None, "name": "n"}]}
    one, other = failed("nodes", 0, "id"), failed("nodes", 0, "id")
    assert deliver(query, data, one, later=[other]) == (
        [("SUBGRAPH_ERROR", ("nodes", 0, "id"))],
        [],
    )


def test_a_part_inside_another_whose_type_nobody_tells_does_not_come_empty():
    query = "{ nodes { id ... @defer { ... on Row @defer { name } } } }"
    assert deliver(query, {"nodes": [{"id": "1"}]}) == (
        [],
        [("SUBGRAPH_INVALID_RESPONSE", ("nodes", 0))],
    )
