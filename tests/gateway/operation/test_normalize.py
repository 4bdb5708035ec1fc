"""Normalizing documents into one tree."""

import pytest
from graphql import build_schema, parse, validate

from gateway.operation import (
    OperationResolutionError,
    OperationTooLargeError,
    normalize,
)
from gateway.operation.tree import Field, InlineFragment

SCHEMA = build_schema("""
  type Query { a: A node: Node both: Both echo(text: String, list: [Int], in: In): String }
  input In { x: Int y: [String] }
  interface Node { id: ID }
  interface Named implements Node { id: ID name: String }
  type A implements Node { id: ID a: A b: B x: Int y: Int }
  type B implements Node & Named { id: ID name: String a: A }
  union Both = A | B
  type Mutation { change: Int }
""")


def shown(selections):
    """A tree as short text: conditions in brackets, fragments by their type."""
    return " ".join(map(_shown, selections))


def _shown(selection):
    conditions = "".join(f"[{'+' if c.include else '-'}{c.variable}]" for c in selection.conditions)
    inner = f"{{{shown(selection.selections)}}}" if selection.selections else ""
    if isinstance(selection, InlineFragment):
        return f"...{selection.type_condition}{conditions}{inner}"
    alias = f"{selection.alias}:" if selection.alias else ""
    arguments = ",".join(f"{each.name}={each.value}" for each in selection.arguments)
    return f"{alias}{selection.name}{f'({arguments})' if arguments else ''}{conditions}{inner}"


def normalized(text, name=None):
    document = parse(text)
    assert not validate(SCHEMA, document)
    return normalize(document, name, SCHEMA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{a{x} a{y x}}", "a{x y}", id="fields merge where they first appear"),
        pytest.param("{a{...F y}} fragment F on A{x ...on A{id}}", "a{x id y}", id="spreads"),
        pytest.param("{a{...on Node{id} x}}", "a{id x}", id="an interface of an object's"),
        pytest.param(
            "{node{...on A{x} ...on A{y} id ...on A{id}}}",
            "node{...A{x y} id ...A{id}}",
            id="fragments merge only with their neighbour, for the order's sake",
        ),
        pytest.param("{node{...on Named{name}}}", "node{...Named{name}}", id="another interface"),
        pytest.param(
            "{node{...on Node{...on Node{id}}}}", "node{id}", id="a fragment on the same type"
        ),
        pytest.param(
            "{both{...on A{...on Both{...on A{x}}}}}", "both{...A{x}}", id="through a union"
        ),
        pytest.param(
            "{both{...on A{...on Node{...on B{id} id}}}}", "both{...A{id}}", id="cannot apply"
        ),
        pytest.param(
            "{a{x @include(if:true) y @skip(if:true) id @skip(if:false)}}",
            "a{x id}",
            id="constant conditions",
        ),
        pytest.param("{a @include(if:false){x}}", "", id="nothing is left"),
        pytest.param("{a{x @skip(if:true)}}", "a", id="nothing is left in an object"),
        pytest.param(
            "query($v:Boolean!){a{x @include(if:$v) x y @skip(if:$v)}}",
            "a{x[+v] x y[-v]}",
            id="variable conditions",
        ),
        pytest.param(
            "query($v:Boolean!){a{...@include(if:$v){x @include(if:$v) y @skip(if:$v)}}}",
            "a{...A[+v]{x}}",
            id="what a fragment's condition decides",
        ),
        pytest.param(
            "query($v:Boolean!){a{x @include(if:$v) @skip(if:$v) y}}", "a{y}", id="never both"
        ),
        pytest.param(
            "query($v:Boolean!,$w:Boolean!){a{x @skip(if:$w) @include(if:$v)}}",
            "a{x[+v][-w]}",
            id="conditions in canonical order",
        ),
        pytest.param(
            "query($v:Boolean!){a{x} a @skip(if:$v){y} a{id}}",
            "a{x} a[-v]{y} a{id}",
            id="nothing is merged across a condition",
        ),
        pytest.param(
            "query($v:Boolean!){a{a{x} ...@skip(if:$v){a{y}} a{id}}}",
            "a{a{x} ...A[-v]{a{y}} a{id}}",
            id="nothing is merged across a fragment that may select the same",
        ),
        pytest.param(
            "query($v:Boolean!){a{x ...@skip(if:$v){x} x}}",
            "a{x ...A[-v]{x}}",
            id="leaves have no order to keep",
        ),
        pytest.param("{__typename t: __typename a{x}}", "__typename t:__typename a{x}", id="meta"),
        pytest.param(
            'query($i:Int){echo(text:"""a\nb""" list:[1,$i] in:{y:["q"] x:$i})}',
            'echo(in={y: ["q"], x: $i},list=[1, $i],text="a\\nb")',
            id="arguments in canonical text",
        ),
    ],
)
def test_normalizes(text, expected):
    assert shown(normalized(text).selections) == expected


def test_tells_the_parent_type_and_the_variables_of_arguments():
    operation = normalized(
        "query Q($i:Int=3 $t:[Int!]=[1]){a{b{name}} echo(list:[$i,$i] in:{x:$i}) m:echo(list:$t)}"
    )
    a, echo, _ = operation.selections
    assert isinstance(a, Field)
    assert isinstance(echo, Field)
    b = a.selections[0]
    assert (b.parent_type, b.selections[0].parent_type) == ("A", "B")
    assert [argument.variables for argument in echo.arguments] == [("i",), ("i",)]
    assert [(v.name, v.type, v.default) for v in operation.variables] == [
        ("i", "Int", "3"),
        ("t", "[Int!]", "[1]"),
    ]
    assert (operation.name, operation.kind, operation.root_type) == ("Q", "query", "Query")


def test_chooses_the_operation_by_name():
    document = "query One{a{x}} mutation Two{change}"
    assert normalized(document, "Two").root_type == "Mutation"
    for name, complaint in [(None, "several"), ("Three", "no operation of that name")]:
        with pytest.raises(OperationResolutionError, match=complaint):
            normalized(document, name)


def test_refuses_documents_without_an_operation():
    with pytest.raises(OperationResolutionError, match="no operation"):
        normalize(parse("fragment F on A{x}"), None, SCHEMA)


def test_refuses_kinds_of_operation_the_schema_does_not_have():
    with pytest.raises(OperationResolutionError, match="no subscription"):
        normalize(parse("subscription{x}"), None, SCHEMA)


def test_enters_a_fragment_once_in_a_selection_set():
    # Each fragment spreads the next twice: entered every time, that is 2**60 entries.
    chain = "".join(f"fragment F{n} on A{{...F{n + 1} ...F{n + 1}}} " for n in range(60))
    document = parse(f"{{a{{...F0}}}} {chain} fragment F60 on A{{x}}")
    assert shown(normalize(document, None, SCHEMA).selections) == "a{x}"


def test_bounds_what_a_short_document_can_spell_out():
    # Here every field is a different one: 2**40 of them.
    chain = "".join(
        f"fragment F{n} on A{{l:a{{...F{n + 1}}} r:a{{...F{n + 1}}}}} " for n in range(40)
    )
    document = parse(f"{{a{{...F0}}}} {chain} fragment F40 on A{{x}}")
    with pytest.raises(OperationTooLargeError, match="selects more than"):
        normalize(document, None, SCHEMA)


def test_bounds_the_depth():
    document = parse("{" + "a{" * 150 + "x" + "}" * 151)
    with pytest.raises(OperationTooLargeError, match="deeper"):
        normalize(document, None, SCHEMA)


def test_bounds_fragments_that_spread_themselves():
    # Validation refuses them; should it ever be left out, this must still end.
    document = parse("{a{...F}} fragment F on A{a{...F}}")
    with pytest.raises(OperationTooLargeError):
        normalize(document, None, SCHEMA)
