"""`@defer` in the normalized operation: kept for who reads parts, gone for who does not."""

import re

import pytest
from graphql import (
    GraphQLDeferDirective,
    build_schema,
    parse,
    specified_directives,
    validate,
)

from gateway.operation.deferred import Deferral, deferrals, settle
from gateway.operation.errors import OperationTooLargeError
from gateway.operation.normalize import normalize
from gateway.operation.tree import InlineFragment

SCHEMA = build_schema("""
  type Query { a: A node: Node }
  interface Node { id: ID }
  type A implements Node { id: ID a: A x: Int y: Int }
  type Subscription { changed: A }
""")
SCHEMA.directives = (*specified_directives, GraphQLDeferDirective)


def shown(selections):
    """A tree as short text: what is deferred with its number, label and variable."""
    return " ".join(map(_shown, selections))


def _shown(selection):
    inner = f"{{{shown(selection.selections)}}}" if selection.selections else ""
    conditions = "".join(f"[{'+' if c.include else '-'}{c.variable}]" for c in selection.conditions)
    if not isinstance(selection, InlineFragment):
        return f"{selection.name}{conditions}{inner}"
    defer = selection.defer
    mark = "" if defer is None else f"@{defer.number}{defer.label or ''}{defer.variable or ''}"
    return f"...{selection.type_condition}{conditions}{mark}{inner}"


def normalized(text, *, deferring=True):
    document = parse(text)
    assert not [e for e in validate(SCHEMA, document) if "never used" not in e.message]
    return normalize(document, None, SCHEMA, deferring=deferring)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{a{x ...@defer{y}}}", "a{x ...A@1{y}}", id="inline"),
        pytest.param(
            '{a{...F @defer(label:"l")}} fragment F on A{x}',
            "a{...A@1l{x}}",
            id="a spread, and its label",
        ),
        pytest.param(
            "{a{...@defer{x ...@defer{y}} ...@defer{x}}}",
            "a{...A@1{x ...A@2{y}} ...A@3{x}}",
            id="each has a number, an outer one before those inside",
        ),
        pytest.param(
            "{a{...F @defer ...F}} fragment F on A{x}", "a{...A@1{x} x}", id="deferred, then not"
        ),
        pytest.param(
            "{a{...F ...F @defer}} fragment F on A{x}", "a{x}", id="not deferred, then deferred"
        ),
        pytest.param(
            "{a{...F @defer ...F @defer}} fragment F on A{x}",
            "a{...A@1{x} ...A@2{x}}",
            id="deferred twice",
        ),
        pytest.param("{a{...@defer(if:false){x}}}", "a{x}", id="never"),
        pytest.param("{a{...@defer(if:true){x}}}", "a{...A@1{x}}", id="always"),
        pytest.param(
            "query($v:Boolean!){a{...@defer(if:$v){x}}}", "a{...A@1v{x}}", id="by a variable"
        ),
        pytest.param(
            "query($v:Boolean!){a{...@include(if:$v) @defer{x}}}",
            "a{...A[+v]@1{x}}",
            id="under a condition",
        ),
        pytest.param(
            "{node{...on A @defer{x} ...on A{y} ...on A{id}}}",
            "node{...A@1{x} ...A{y id}}",
            id="not merged with its neighbour",
        ),
    ],
)
def test_what_is_deferred_is_marked(text, expected):
    assert shown(normalized(text).selections) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{a{x ...@defer{y}}}",
        '{a{...F @defer}} fragment F on A{x ...@defer(label:"l"){y}}',
        "query($v:Boolean!){a{...@defer(if:$v){x}}}",
        "{node{id ...on A @defer{x}}}",
    ],
)
def test_for_who_reads_no_parts_it_says_nothing(text):
    without = parse(re.sub(r"@defer(\([^)]*\))?", "", text))
    assert normalized(text, deferring=False) == normalize(without, None, SCHEMA)


def test_without_any_the_operation_is_the_very_same():
    text = "query($v:Boolean!){a{x ...on Node@include(if:$v){id}} node{...on A{y}}}"
    assert normalized(text) == normalized(text, deferring=False)
    assert hash(normalized(text)) == hash(normalized(text, deferring=False))


def test_an_event_of_a_subscription_is_whole():
    text = "subscription($v:Boolean!){changed{...@defer(if:$v){x}}}"
    assert shown(normalized(text).selections) == "changed{x}"


def test_deferred_spreads_are_bounded_too():
    chain = "".join(
        f"fragment F{n} on A{{...F{n + 1}@defer ...F{n + 1}@defer}} " for n in range(40)
    )
    document = parse(f"{{a{{...F0}}}} {chain} fragment F40 on A{{x}}")
    with pytest.raises(OperationTooLargeError, match="selects more than"):
        normalize(document, None, SCHEMA, deferring=True)


@pytest.mark.parametrize(("value", "expected"), [(True, "a{...A@1{x}}"), (False, "a{...A{x}}")])
def test_a_variable_settles_it(value, expected):
    operation = normalized("query($v:Boolean!){a{...@defer(if:$v){x}}}")
    assert shown(settle(operation, {"v": value}).selections) == expected


def test_what_is_settled_stays_the_same_object():
    operation = normalized("{a{x ...@defer{y}}}")
    assert settle(operation, {}) is operation


def test_where_they_are_and_inside_which():
    operation = normalized('{a{...@defer(label:"l"){a{...@defer{x}}} ...on Node{...@defer{id}}}}')
    assert deferrals(operation.selections) == (
        Deferral(1, "l", 0, ("a",)),
        Deferral(2, None, 1, ("a", "a")),
        Deferral(3, None, 0, ("a",)),
    )
