"""Parsing and validating, and what a client is told when it fails."""

from __future__ import annotations

import pytest
from graphql import build_schema

from contract.errors import Code
from gateway.bounds import Limits
from gateway.documents.prepare import MAX_ERRORS, MAX_MESSAGE, prepare
from gateway.errors import RequestError

SCHEMA = build_schema(
    """
    type Query { patient(id: ID!, first: Int): Patient }
    type Patient { id: ID!  name: String  friends(filter: Filter): [Patient!] }
    input Filter { name: String  age: Int }
    """
)
LIMITS = Limits()
NAME = "Lovelace"


def refusal(text: str, **options) -> RequestError:
    with pytest.raises(RequestError) as raised:
        prepare(text, SCHEMA, LIMITS, **options)
    return raised.value


def test_prepares():
    document = prepare("query A { patient(id: 1) { name } } query B { __typename }", SCHEMA, LIMITS)
    assert list(document.operations) == ["A", "B"]
    assert document.operation("B").name.value == "B"
    assert not document.introspects


@pytest.mark.parametrize("name", [None, "C", ""])
def test_an_operation_has_to_be_named(name):
    document = prepare("query A { __typename } query B { __typename }", SCHEMA, LIMITS)
    with pytest.raises(RequestError) as raised:
        document.operation(name)
    assert raised.value.code == Code.OPERATION_RESOLUTION_FAILURE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __schema { queryType { name } } }", True),
        ('{ ...f } fragment f on Query { __type(name: "A") { name } }', True),
        ("query __schema { __typename }", False),
        ('{ patient(id: "__schema") { name } }', False),
    ],
)
def test_sees_introspection(text, expected):
    assert prepare(text, SCHEMA, LIMITS).introspects is expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", Code.GRAPHQL_PARSE_FAILED, id="nothing"),
        pytest.param("{", Code.GRAPHQL_PARSE_FAILED, id="half"),
        pytest.param("{ }", Code.GRAPHQL_PARSE_FAILED, id="empty"),
        pytest.param("{ nope }", Code.GRAPHQL_VALIDATION_FAILED, id="unknown field"),
        pytest.param("{ patient { name } }", Code.GRAPHQL_VALIDATION_FAILED, id="no argument"),
        pytest.param(
            "fragment f on Query { a }", Code.GRAPHQL_VALIDATION_FAILED, id="no operation"
        ),
        pytest.param("type A { a: Int }", Code.GRAPHQL_VALIDATION_FAILED, id="a schema"),
        pytest.param(
            "{ ...f } fragment f on Query { ...f }", Code.GRAPHQL_VALIDATION_FAILED, id="circle"
        ),
        pytest.param("{" + "a " * 3000 + "}", Code.OPERATION_TOO_LARGE, id="tokens"),
        pytest.param("{a" * 400 + "}" * 400, Code.OPERATION_TOO_LARGE, id="deep"),
        pytest.param(
            "{ patient(id: " + "[" * 900 + "]" * 900 + ") { id } }",
            Code.OPERATION_TOO_LARGE,
            id="deep value",
        ),
        pytest.param(
            "{ ...f0 }"
            + "".join(f"fragment f{n} on Query {{ ...f{n + 1} }}" for n in range(240))
            + "fragment f240 on Query { __typename }",
            Code.OPERATION_TOO_LARGE,
            id="long chain of fragments",
        ),
        pytest.param(
            "{ __schema { types { fields { type { fields { type { fields { name }}}}}}}}",
            Code.GRAPHQL_VALIDATION_FAILED,
            id="deep introspection",
        ),
    ],
)
def test_refuses(text, code):
    assert refusal(text).code == code


@pytest.mark.parametrize(
    "text",
    [
        f'{{ patient(id: "1", first: "{NAME}") {{ name }} }}',
        f'{{ patient(id: "1") {{ friends(filter: {{age: "{NAME}"}}) {{ id }} }} }}',
        f'{{ patient(id: "1") {{ friends(filter: "{NAME}") {{ id }} }} }}',
        f'{{ patient "{NAME}" }}',
        f'{{ patient """{NAME}""" }}',
        f'{{ patient(id: "1" "{NAME}") {{ id }} }}',
        f'query ($f: Int = "{NAME}") {{ patient(id: 1, first: $f) {{ id }} }}',
    ],
)
def test_quotes_no_value(text):
    for complaint in refusal(text).complaints:
        assert NAME not in complaint.message
        assert complaint.locations


def test_suggests_only_where_the_schema_is_no_secret():
    text = "{ patient(id: 1) { nam } }"
    assert "Did you mean" in refusal(text, suggestions=True).complaints[0].message
    assert refusal(text).complaints[0].message == "Cannot query field 'nam' on type 'Patient'."


def test_tells_so_many_errors_and_no_more():
    text = "{ patient(id: 1) { " + " ".join(f"x{n}" for n in range(50)) + " } }"
    assert len(refusal(text).complaints) == MAX_ERRORS


@pytest.mark.parametrize("text", ["{ hello } #" + "x" * 90, "{ hello } #" + "é" * 45])
def test_a_long_text_is_refused_before_it_is_read(text):
    with pytest.raises(RequestError) as raised:
        prepare(text, SCHEMA, Limits(bytes=100))
    assert raised.value.extensions == {"limit": "bytes"}


def test_a_long_name_is_not_told_back_whole():
    with pytest.raises(RequestError) as raised:
        prepare("{ " + "x" * 40_000 + " }", SCHEMA, Limits())
    assert all(len(each.message) <= MAX_MESSAGE for each in raised.value.complaints)
