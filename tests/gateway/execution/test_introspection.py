"""The schema is told by the gateway itself."""

from graphql import build_schema, get_introspection_query, graphql_sync, parse

from gateway.execution.introspection import introspect, split_introspection
from gateway.operation.normalize import normalize
from tests.gateway.execution.kit import operation_of

SCHEMA = build_schema(
    """
    "Someone who is cared for."
    type Patient { id: ID! name: String old: Int @deprecated(reason: "Use age.") }
    type Query { patient(id: ID!): Patient }
    """
)


def ask(document: str, **variables):
    operation = operation_of(SCHEMA, document)
    _, introspections = split_introspection(operation, SCHEMA)
    data = {}
    introspect(introspections, data, operation, variables, SCHEMA)
    return data


def test_the_whole_schema():
    query = get_introspection_query()
    assert ask(query) == graphql_sync(SCHEMA, query).data


def test_one_type_by_variable_alias_and_fragment():
    document = """query ($name: String!, $all: Boolean = false, $id: ID = 5) {
      p: __type(name: $name) { ...F kind @skip(if: $all) }
      none: __type(name: "Robot") { name }
      patient(id: $id) { id }
    }
    fragment F on __Type { fields(includeDeprecated: $all) { name } }"""
    assert ask(document, name="Patient", all=False, id="5") == {
        "p": {"fields": [{"name": "id"}, {"name": "name"}], "kind": "OBJECT"},
        "none": None,
    }
    assert ask(document, name="Patient", all=True)["p"] == {
        "fields": [{"name": "id"}, {"name": "name"}, {"name": "old"}]
    }


def test_only_the_ordinary_fields_are_left_to_be_planned():
    operation = operation_of(
        SCHEMA,
        """query ($on: Boolean!) {
          __typename __schema { queryType { name } }
          ... @include(if: $on) { __type(name: "Patient") { name } patient(id: 1) { id } } }""",
    )
    ordinary, introspections = split_introspection(operation, SCHEMA)
    expected = operation_of(
        SCHEMA,
        """query ($on: Boolean!) {
          __typename
          ... @include(if: $on) { patient(id: 1) { id } } }""",
    )
    assert ordinary == expected
    for on, keys in ((False, {"__schema"}), (True, {"__schema", "__type"})):
        data = {}
        introspect(introspections, data, operation, {"on": on}, SCHEMA)
        assert data.keys() == keys


def test_an_operation_without_any_is_left_alone():
    operation = normalize(parse("{ __typename patient(id: 1) { __typename } }"), None, SCHEMA)
    ordinary, introspections = split_introspection(operation, SCHEMA)
    assert ordinary is operation
    assert introspections == ()
