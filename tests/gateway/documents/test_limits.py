"""What a document asks for, measured in one pass."""

from __future__ import annotations

import sys

import pytest
from graphql import FieldNode, parse
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import Code
from gateway.bounds import Limits
from gateway.documents.limits import CEILING, _Measurer, check_limits
from gateway.errors import RequestError

LIMITS = Limits(tokens=10**6, depth=4, aliases=3, root_fields=5, directives=3, fields=40, repeats=4)


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
            "{ a { " + " ".join(f"f{n}" for n in range(50)) + " } }", "fields", id="fields"
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
