"""Field sets: what is one, and how it prints."""

import pytest

from gateway.federation.field_set import (
    MAX_DEPTH,
    FieldSetError,
    field_set_shape,
    parse_field_set,
    print_field_set,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("id", "id"),
        ("{ id }", "id"),
        ("id, organization{id}", "id organization { id }"),
        ("media { ... on Book { title } }", "media { ... on Book { title } }"),
        ("comments(limit: 3) { id }", "comments(limit: 3) { id }"),
        ("id # a comment", "id"),
    ],
)
def test_prints_canonically(text, canonical):
    assert print_field_set(parse_field_set(text)) == canonical


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (" ", "empty"),
        ("a {", "Syntax Error"),
        ("a } fragment F on T { b", "more than one"),
        ("a ...F", "cannot spread"),
        ("a { ...F }", "cannot spread"),
        ("a {" * (MAX_DEPTH + 1), "nested deeper"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_refuses(text, complaint):
    with pytest.raises(FieldSetError, match=complaint):
        parse_field_set(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("id name", "name id", True),
        ("a { x y } b", "b a { y x }", True),
        ("a { x } b { y }", "a { y } b { x }", False),
        ("a(n: 1)", "a(n: 2)", False),
        ("... on A { x }", "... on B { x }", False),
        ("id", "id name", False),
    ],
)
def test_shapes_leave_out_the_order(one, other, same):
    shapes = [field_set_shape(parse_field_set(text)) for text in (one, other)]
    assert (shapes[0] == shapes[1]) is same
