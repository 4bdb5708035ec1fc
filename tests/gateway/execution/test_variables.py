"""Variables: what fits, what does not, and what a complaint says."""

from decimal import Decimal

import pytest
from graphql import build_schema, parse, validate

from contract.errors import Code
from gateway.errors import RequestError
from gateway.execution.variables import coerce_variables
from gateway.operation.normalize import normalize

SCHEMA = build_schema(
    """
    scalar JSON
    enum Sex { F M }
    input Name { given: [String!]! family: String! = "x" use: Sex }
    input Pick @oneOf { id: ID mrn: String }
    input Deep { names: [[Name]] next: Deep must: Int! }
    type Query { q(
      i: Int f: Float s: String b: Boolean id: ID sex: Sex json: JSON
      ids: [ID!] grid: [[Int]] name: Name pick: Pick deep: Deep
    ): Int }
    """
)
SECRET = "Lovelace-123-45-6789"


def coerce(type_: str, *given, default: str = ""):
    declared = f"$v: {type_}{f' = {default}' if default else ''}"
    document = parse(f"query ({declared}) {{ __typename @skip(if: true) }}")
    assert [e for e in validate(SCHEMA, document) if "never used" not in e.message] == []
    operation = normalize(document, None, SCHEMA)
    return coerce_variables(operation.variables, {"v": given[0]} if given else {}, SCHEMA)


def complaint(type_: str, *given) -> str:
    with pytest.raises(RequestError) as raised:
        coerce(type_, *given)
    assert raised.value.code is Code.BAD_USER_INPUT
    [complaint] = raised.value.complaints
    return complaint.message


@pytest.mark.parametrize(
    ("type_", "given", "coerced"),
    [
        ("Int", 5, 5),
        ("Int", Decimal("5.0"), 5),
        ("Int", -(2**31), -(2**31)),
        ("Float", 1, 1),
        ("Float", Decimal("72.50"), Decimal("72.50")),
        ("String", "", ""),
        ("Boolean", False, False),
        ("ID", "a", "a"),
        ("ID", 7, "7"),
        ("Sex", "F", "F"),
        ("JSON", {"a": [1, "x"]}, {"a": [1, "x"]}),
        ("[ID!]", ["a", 7], ["a", "7"]),
        ("[ID!]", "a", ["a"]),
        ("[[Int]]", [[1, None], None], [[1, None], None]),
        ("[[Int]]", 1, [[1]]),
        ("Name", {"given": "Ada"}, {"given": ["Ada"]}),
        ("Name", {"given": [], "use": None}, {"given": [], "use": None}),
        ("Pick", {"id": 1}, {"id": "1"}),
        ("Int", None, None),
    ],
)
def test_fits(type_, given, coerced):
    assert coerce(type_, given) == {"v": coerced}


def test_a_variable_that_is_not_given_is_left_out():
    assert coerce("Int") == {}


@pytest.mark.parametrize(
    ("type_", "default", "coerced"),
    [
        ("Int", "5", 5),
        ("Float!", "72.50", Decimal("72.50")),
        ("Sex", "F", "F"),
        ("String", '"x"', "x"),
        ("Boolean", "true", True),
        ("[Int]", "[1, null]", [1, None]),
        ("Name", '{given: ["a"], use: M}', {"given": ["a"], "use": "M"}),
        ("ID", "7", "7"),
        ("JSON", "{a: [1.5]}", {"a": [Decimal("1.5")]}),
    ],
)
def test_defaults(type_, default, coerced):
    assert coerce(type_, default=default) == {"v": coerced}


def test_a_given_null_is_no_default():
    assert coerce("Int", None, default="5") == {"v": None}


@pytest.mark.parametrize(
    ("type_", "given", "said"),
    [
        ("Int", SECRET, "expected Int"),
        ("Int", True, "expected Int"),
        ("Int", 2**31, "range"),
        ("Int", Decimal("1.5"), "expected Int"),
        ("Int", Decimal("1e999999"), "range"),
        ("Float", SECRET, "expected Float"),
        ("Float", True, "expected Float"),
        ("String", 5, "expected String"),
        ("Boolean", 0, "expected Boolean"),
        ("ID", Decimal("1.5"), "expected ID"),
        ("ID", True, "expected ID"),
        ("Sex", SECRET, "values of Sex"),
        ("Sex", ["F"], "values of Sex"),
        ("Int!", None, "null"),
        ("[ID!]", ["a", None], "$v[1]: null"),
        ("[[Int]]", [[1], [SECRET]], "$v[1][0]: expected Int"),
        ("Name", SECRET, "object of type Name"),
        ("Name", [SECRET], "object of type Name"),
        ("Name", {"given": "a", SECRET: 1}, "does not have"),
        ("Name", {}, "$v.given: it is required"),
        ("Name", {"given": [5]}, "$v.given[0]: expected String"),
        ("Name", {"given": [], "family": None}, "$v.family: null"),
        ("Deep", {"must": 1, "next": {"must": SECRET}}, "$v.next.must: expected Int"),
        ("Deep", {"must": 1, "names": [[{}]]}, "$v.names[0][0].given: it is required"),
        ("Pick", {}, "exactly one"),
        ("Pick", {"id": "1", "mrn": "2"}, "exactly one"),
        ("Pick", {"id": None}, "exactly one"),
    ],
)
def test_a_complaint_names_the_variable_and_never_a_value(type_, given, said):
    message = complaint(type_, given)
    assert message.startswith(f"Variable $v of type {type_} ")
    assert said in message
    assert SECRET not in message


def test_a_required_variable_that_is_not_given():
    assert "it is required" in complaint("Int!")


def test_every_variable_is_complained_about():
    document = parse("query ($a: Int!, $b: Int, $c: Sex) { __typename }")
    operation = normalize(document, None, SCHEMA)
    with pytest.raises(RequestError) as raised:
        coerce_variables(operation.variables, {"b": 1, "c": 5}, SCHEMA)
    assert [each.message.split()[1] for each in raised.value.complaints] == ["$a", "$c"]
