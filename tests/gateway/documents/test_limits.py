"""What a document asks for, measured in one pass."""

from __future__ import annotations

import sys

import pytest
from graphql import FieldNode, parse
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import Code
from gateway.bounds import Limits
from gateway.documents.limits import CEILING, _Measurer, check_limits, check_values
from gateway.errors import RequestError

LIMITS = Limits(
    tokens=10**6,
    depth=4,
    height=30,
    aliases=3,
    root_fields=5,
    directives=3,
    fields=60,
    repeats=4,
    operations=3,
    introspection_depth=7,
    values=10,
)
MANY = " ".join(f"f{n}" for n in range(25))


def bomb(generations: int) -> str:
    fragments = " ".join(
        f"fragment f{n} on T {{ a{n} {{ ...f{n + 1} }} b{n} {{ ...f{n + 1} }} }}"
        for n in range(generations)
    )
    return f"{{ t {{ ...f0 }} }} {fragments} fragment f{generations} on T {{ c }}"


@pytest.mark.parametrize(
    "text",
    [
        "{ a { b { c { d } } } }",
        "{ x: a y: b z: c }",
        "{ a b c d e }",
        "{ ...f ...f } fragment f on Query { a b }",
        "{ a @include(if: true) b @skip(if: false) ... @include(if: true) { c } }",
        "{ a a a a }",
        "{ a { b } a { b } a { b } a { b } }",
        "{ a { b b } c { b b } d { b b } }",
        "{ __schema { types { fields { type { ofType { ofType { name } } } } } } }",
        f"{{ a {{ ...f }} b {{ ...f }} }} fragment f on T {{ {MANY} }}",
        "query A { a } query B { a } query C { a }",
    ],
)
def test_permits(text):
    check_limits(parse(text), LIMITS)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        pytest.param("{ a { b { c { d { e } } } } }", "depth", id="depth"),
        pytest.param(
            "{ a { ...f } } fragment f on T { b { c { ...g } } } fragment g on T { d { e } }",
            "depth",
            id="depth through fragments",
        ),
        pytest.param("{ x: a y: b z: c w: d }", "aliases", id="aliases"),
        pytest.param(
            "{ a { ...f } b { ...f } } fragment f on T { x: c y: d }",
            "aliases",
            id="aliases spread twice",
        ),
        pytest.param("{ a b c d e f }", "root_fields", id="root fields"),
        pytest.param(
            "{ ... { a b c } ... { d e f } }", "root_fields", id="root fields in fragments"
        ),
        pytest.param("{ a @a @b @c @d }", "directives", id="directives"),
        pytest.param("query @a @b { a @c @d }", "directives", id="directives on the operation"),
        pytest.param("{ a { b b b b b } }", "repeats", id="repeats"),
        pytest.param(
            "{ a { ...f ... { b b } ...f } } fragment f on T { b b }",
            "repeats",
            id="repeats in fragments",
        ),
        pytest.param(
            f"{{ a {{ ...f }} b {{ ...f }} c {{ ...f }} }} fragment f on T {{ {MANY} }}",
            "fields",
            id="fields",
        ),
        pytest.param(
            "{ a { " + " ".join(f"f{n}" for n in range(30)) + " } }", "height", id="height"
        ),
        pytest.param(
            f"{{ a {{ ...f }} b {{ x {{ {MANY} }} }} }} fragment f on T {{ ...g p q }}"
            " fragment g on T { ...f r s }",
            "height",
            id="height through fragments",
        ),
        pytest.param(
            "{ __schema { types { ofType { ofType { ofType { ofType { ofType { ofType { name"
            " } } } } } } } } }",
            "introspection_depth",
            id="depth of introspection",
        ),
        pytest.param(
            "{ ...f } fragment f on Query { __schema { types { ...g } } }"
            " fragment g on T { o { o { o { o { o { o { n } } } } } } }",
            "introspection_depth",
            id="depth of introspection through fragments",
        ),
        pytest.param(
            "query A { a } query B { a } query C { a } query D { a }", "operations", id="operations"
        ),
        pytest.param("{ a } query B { a b c d e f }", "root_fields", id="another operation"),
    ],
)
def test_refuses(text, limit):
    with pytest.raises(RequestError) as raised:
        check_limits(parse(text), LIMITS)
    assert raised.value.code == Code.OPERATION_TOO_LARGE
    assert raised.value.extensions == {"limit": limit}


def test_a_bomb_is_measured_and_does_not_explode():
    document = parse(bomb(200))
    measure = _Measurer(document).measure(document.definitions[0].selection_set)
    assert measure.fields == CEILING
    assert measure.depth == 202


def test_every_fragment_is_measured_once():
    """Work in the number of calls, which does not depend on how busy the machine is."""

    def calls(generations: int) -> int:
        document = parse(bomb(generations))
        count = 0

        def count_calls(frame, event, _):
            nonlocal count
            count += event == "call"

        sys.setprofile(count_calls)
        try:
            with pytest.raises(RequestError):
                check_limits(document, LIMITS)
        finally:
            sys.setprofile(None)
        return count

    assert calls(40) < 2.5 * calls(20)


def test_circles_end():
    text = "{ a { ...f } } fragment f on T { b { ...g } } fragment g on T { c { ...f } }"
    check_limits(parse(text), LIMITS)


selections = st.recursive(
    st.lists(st.sampled_from(["a", "b", "x: a"]), min_size=1, max_size=3),
    lambda inner: st.lists(
        st.builds(lambda name, parts: f"{name} {{ {' '.join(parts)} }}", st.just("c"), inner),
        min_size=1,
        max_size=3,
    ),
    max_leaves=12,
)


@given(selections)
def test_agrees_with_counting_the_fields_one_by_one(parts):
    document = parse(f"{{ {' '.join(parts)} }}")
    measure = _Measurer(document).measure(document.definitions[0].selection_set)

    def walk(selection_set, level):
        for node in selection_set.selections:
            assert isinstance(node, FieldNode)
            yield level, node
            if node.selection_set:
                yield from walk(node.selection_set, level + 1)

    nodes = list(walk(document.definitions[0].selection_set, 1))
    assert measure.fields == len(nodes)
    assert measure.depth == max(level for level, _ in nodes)
    assert measure.aliases == sum(node.alias is not None for _, node in nodes)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"a": 1, "b": [1, 2, 3], "c": {"d": None, "e": "x"}},
        {"a": [[[[[[[[[1]]]]]]]]]},
    ],
)
def test_permits_variables(variables):
    check_values(variables, LIMITS)


@pytest.mark.parametrize(
    "variables",
    [
        {"a": list(range(10))},
        {"a": {str(n): n for n in range(10)}},
        {"a": [[] for _ in range(10)]},
        {"a": [[1, 2, 3], [4, 5, 6], [7, 8]]},
        {f"v{n}": n for n in range(11)},
        {"a": [[[[[[[[[[1]]]]]]]]]]},
    ],
)
def test_refuses_variables(variables):
    with pytest.raises(RequestError) as raised:
        check_values(variables, LIMITS)
    assert raised.value.extensions == {"limit": "values"}
