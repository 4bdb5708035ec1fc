"""From fetched data to what the client sees."""

from decimal import Decimal

import pytest

from contract.errors import Code
from gateway.execution.faults import fault_of
from gateway.execution.project import project
from gateway.execution.resolve import resolve_shape
from gateway.execution.wire import decode_answer, encode
from tests.gateway.execution.kit import Client, operation_of

INVALID = "SUBGRAPH_INVALID_RESPONSE"
CLIENT = Client.of(
    """
    scalar JSON
    enum Status { DRAFT FINAL }
    type Query {
      a: Int b: Float c: String d: Boolean e: ID f: JSON g: Status
      must: Int!
      row: Row rows: [Row] grid: [[Row!]!] tags: [String!] strict: [Row!]!
      node: Node thing: Thing
    }
    type Row implements Node { id: ID! name: String next: Row must: String! grid: [[Int!]] }
    type Leaf implements Plant & Node { id: ID! name: String color: String }
    interface Node { id: ID! name: String }
    interface Plant implements Node { id: ID! name: String color: String }
    union Thing = Row | Leaf
    """
)


def test_keeps_the_clients_order_and_nothing_else():
    operation = operation_of(CLIENT.schema, "{ c x: a row { name id } }")
    shape = resolve_shape(operation, CLIENT.schema, {}, {})
    fetched = {"row": {"id": "1", "secret": "s", "name": "n"}, "x": 1, "y": 2, "c": "z"}
    projected = project(shape, fetched, ())
    assert encode(projected.data) == b'{"c":"z","x":1,"row":{"name":"n","id":"1"}}'


def test_what_was_not_fetched_is_null():
    assert CLIENT.project("{ a row { name } rows { name } }", {"row": {}}) == (
        {"a": None, "row": {"name": None}, "rows": None},
        [],
    )


@pytest.mark.parametrize(
    ("field", "given", "seen"),
    [
        ("a", 5, 5),
        ("a", Decimal("5.0"), 5),
        ("b", 1, 1),
        ("c", "", ""),
        ("d", False, False),
        ("e", "x", "x"),
        ("e", 7, "7"),
        ("g", "DRAFT", "DRAFT"),
        ("f", {"any": [1, None, {"thing": True}]}, {"any": [1, None, {"thing": True}]}),
        ("tags", [], []),
        ("tags", ["x"], ["x"]),
    ],
)
def test_values_of_their_type(field, given, seen):
    assert CLIENT.project(f"{{ {field} }}", {field: given}) == ({field: seen}, [])


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("a", "5"),
        ("a", True),
        ("a", 2**31),
        ("a", Decimal("5.5")),
        ("a", Decimal("1e999999")),
        ("b", "1.5"),
        ("b", True),
        ("c", 5),
        ("d", 0),
        ("e", True),
        ("e", ["x"]),
        ("g", "HIDDEN"),
        ("g", 1),
        ("g", ["DRAFT"]),
        ("tags", "x"),
        ("tags", {"0": "x"}),
    ],
)
def test_values_of_another_type_are_null_with_an_error(field, given):
    assert CLIENT.project(f"{{ {field} }}", {field: given}) == (
        {field: None},
        [(INVALID, (field,))],
    )


def test_a_list_that_several_places_share():
    """What they see of it differs by what they ask; what is wrong with it is told for each."""
    shared = [{"id": "1", "name": "n"}, {"id": "2", "name": None}]
    query = "{ rows { id } again: rows { id name } once_more: rows { id name } }"
    fetched = dict.fromkeys(("rows", "again", "once_more"), shared)
    assert CLIENT.project(query, fetched) == (
        {"rows": [{"id": "1"}, {"id": "2"}], "again": shared, "once_more": shared},
        [],
    )
    shared[1]["name"] = 5
    data, errors = CLIENT.project(query, fetched)
    assert data["again"] == data["once_more"] == [shared[0], {"id": "2", "name": None}]
    places = [("again", 1, "name"), ("once_more", 1, "name")]
    assert [(error[0], tuple(error[1])) for error in errors] == [(INVALID, p) for p in places]


@pytest.mark.parametrize("given", ["72.50", "-0.0", "1E+400"])
def test_a_fraction_keeps_its_digits(given):
    shape = resolve_shape(operation_of(CLIENT.schema, "{ b }"), CLIENT.schema, {}, {})
    answer = decode_answer(b'{"data":{"b":%b}}' % given.encode())
    projected = project(shape, answer.data, ())
    assert projected.errors == ()
    assert encode(projected.data) == b'{"b":%b}' % given.encode()


def test_errors_do_not_quote_values():
    operation = operation_of(CLIENT.schema, "{ g }")
    shape = resolve_shape(operation, CLIENT.schema, {}, {})
    projected = project(shape, {"g": "Lovelace"}, ())
    assert "Lovelace" not in repr(projected)


@pytest.mark.parametrize("given", ["x", 5, [], True])
def test_an_object_that_is_none(given):
    assert CLIENT.project("{ row { id } }", {"row": given}) == (
        {"row": None},
        [(INVALID, ("row",))],
    )


@pytest.mark.parametrize(
    ("query", "fetched", "seen", "path"),
    [
        pytest.param("{ must }", {"must": None}, None, ("must",), id="to the root"),
        pytest.param("{ must }", {}, None, ("must",), id="never fetched"),
        pytest.param(
            "{ row { must } }", {"row": {"must": None}}, {"row": None}, ("row", "must"), id="object"
        ),
        pytest.param(
            "{ rows { must } }",
            {"rows": [{"must": "x"}, {"must": None}]},
            {"rows": [{"must": "x"}, None]},
            ("rows", 1, "must"),
            id="item",
        ),
        pytest.param(
            "{ strict { must } }",
            {"strict": [{"must": "x"}, {"must": None}]},
            None,
            ("strict", 1, "must"),
            id="item and list and root",
        ),
        pytest.param(
            "{ tags }", {"tags": ["x", None]}, {"tags": None}, ("tags", 1), id="null item"
        ),
        pytest.param(
            "{ grid { id } }",
            {"grid": [[{"id": "1"}], [{"id": None}]]},
            {"grid": None},
            ("grid", 1, 0, "id"),
            id="list in list",
        ),
        pytest.param(
            "{ row { grid } }",
            {"row": {"grid": [[1], [2, None], None]}},
            {"row": {"grid": [[1], None, None]}},
            ("row", "grid", 1, 1),
            id="inner list",
        ),
        pytest.param(
            "{ row { must } }", {"row": {"must": 5}}, {"row": None}, ("row", "must"), id="misfit"
        ),
    ],
)
def test_nulls_bubble_to_the_next_place_that_may_be_null(query, fetched, seen, path):
    assert CLIENT.project(query, fetched) == (seen, [(INVALID, path)])


def test_typename_is_the_runtime_type_under_any_name():
    query = "{ __typename r: __typename row { __typename } node { t: __typename } }"
    fetched = {
        "__typename": "Wrong",
        "row": {"__typename": "Wrong"},
        "node": {"__typename": "Leaf"},
    }
    seen, errors = CLIENT.project(query, fetched)
    assert seen == {
        "__typename": "Query",
        "r": "Query",
        "row": {"__typename": "Row"},
        "node": {"t": "Leaf"},
    }
    assert errors == []


def test_fragments_apply_by_runtime_type():
    query = """{
      node { ... on Row { name } ... on Leaf { color } ... on Thing { ... on Node { id } } }
      thing { ... on Node { id } ... on Leaf { shade: color } }
    }"""
    leaf = {"__typename": "Leaf", "id": "1", "name": "n", "color": "red", "shade": "dark"}
    assert CLIENT.project(query, {"node": leaf, "thing": leaf}) == (
        {"node": {"color": "red", "id": "1"}, "thing": {"id": "1", "shade": "dark"}},
        [],
    )


@pytest.mark.parametrize("typename", [None, "Node", "Robot", 5, ["Row"]])
def test_an_object_of_no_known_type_is_null(typename):
    fetched = {"node": {"__typename": typename, "id": "1", "name": "n"}}
    assert CLIENT.project("{ node { id ... on Row { name } } }", fetched) == (
        {"node": None},
        [(INVALID, ("node",))],
    )


@pytest.mark.parametrize("fetched", [{"id": "1"}, {"__typename": "Node", "id": "1"}])
def test_the_type_need_not_be_known_where_nothing_depends_on_it(fetched):
    """As from a subgraph that knows the interface as one object."""
    query = "{ node { id ... on Node { name } } }"
    assert CLIENT.project(query, {"node": fetched}) == ({"node": {"id": "1", "name": None}}, [])


def test_an_interface_may_stand_for_its_objects_where_they_are_alike():
    fetched = {"node": {"__typename": "Plant", "id": "1", "color": "red"}}
    query = "{ node { id ... on Plant { color } ... on Row { name } } }"
    assert CLIENT.project(query, fetched) == ({"node": {"id": "1", "color": "red"}}, [])


def test_an_abstract_type_with_one_object_type_is_that():
    client = Client.of("type Query { a: A } union A = B type B { x: Int }")
    fetched = {"a": {"x": 1}}
    assert client.project("{ a { __typename ... on B { x } } }", fetched) == (
        {"a": {"__typename": "B", "x": 1}},
        [],
    )


def test_one_key_selected_several_times_is_merged():
    query = "{ row { next { id } } ... on Query { row { next { name } name } } }"
    fetched = {"row": {"next": {"id": "1", "name": "n"}, "name": "m"}}
    assert CLIENT.project(query, fetched)[0] == {
        "row": {"next": {"id": "1", "name": "n"}, "name": "m"}
    }


@pytest.mark.parametrize(
    ("yes", "no", "keys"),
    [(True, True, ["b"]), (True, False, ["a", "b"]), (False, False, []), (False, True, [])],
)
def test_conditions_by_variables(yes, no, keys):
    query = """query ($yes: Boolean!, $no: Boolean = true) {
      ... @include(if: $yes) { a @skip(if: $no) b } }"""
    seen, _ = CLIENT.project(query, {"a": 1, "b": 2}, variables={"yes": yes, "no": no})
    assert list(seen) == keys


DENIED = {("Row", "name"): fault_of(Code.SCOPE_REQUIRED, scopes=[["user/Patient.rs"]])}


def test_a_denied_field_is_null_with_an_error_even_if_the_plan_needed_it():
    fetched = {"row": {"id": "1", "name": "needed by another subgraph"}}
    assert CLIENT.project("{ row { id name } }", fetched, denials=DENIED) == (
        {"row": {"id": "1", "name": None}},
        [("SCOPE_REQUIRED", ("row", "name"))],
    )


def test_a_denied_field_that_is_promised_takes_its_parent_along():
    denials = {("Row", "must"): fault_of(Code.FORBIDDEN)}
    fetched = {"rows": [{"must": "x"}]}
    assert CLIENT.project("{ rows { must } }", fetched, denials=denials) == (
        {"rows": [None]},
        [("FORBIDDEN", ("rows", 0, "must"))],
    )


@pytest.mark.parametrize("query", ["{ node { name } }", "{ node { ... on Row { name } } }"])
def test_a_denial_holds_on_whatever_type_the_field_was_selected(query):
    row, leaf = ({"__typename": each, "name": "n"} for each in ("Row", "Leaf"))
    assert CLIENT.project(query, {"node": row}, denials=DENIED)[0] == {"node": {"name": None}}
    assert CLIENT.project("{ node { name } }", {"node": leaf}, denials=DENIED)[0] == {
        "node": {"name": "n"}
    }


def test_a_denial_holds_while_the_type_is_not_known():
    seen, errors = CLIENT.project("{ node { name } }", {"node": {"name": "n"}}, denials=DENIED)
    assert (seen, errors) == ({"node": {"name": None}}, [("SCOPE_REQUIRED", ("node", "name"))])


def test_a_shape_serves_many_answers():
    operation = operation_of(CLIENT.schema, "{ node { id ... on Row { name } } }")
    shape = resolve_shape(operation, CLIENT.schema, {}, {})
    for name in ("Ada", "Bob"):
        fetched = {"node": {"__typename": "Row", "id": name, "name": name}}
        assert project(shape, fetched, ()).data == {"node": {"id": name, "name": name}}
