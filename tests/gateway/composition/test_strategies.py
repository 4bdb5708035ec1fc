"""Merging the arguments of access directives: AND of conditions."""

import pytest

from gateway.composition.merge.strategies import both, conjunction, implies, read_conditions


def conditions(*groups: str):
    return read_conditions(tuple(tuple(group) for group in groups))


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (["a"], ["b"], ["ab"]),
        (["a", "b"], ["c"], ["ac", "bc"]),
        (["a", "b"], ["a", "b"], ["a", "b"]),
        (["a", "b"], ["a"], ["a"]),
        (["ab"], ["a", "c"], ["ab"]),
        ([], ["a"], ["a"]),
        ([""], ["a"], ["a"]),
    ],
)
def test_both_conditions_hold(one, other, together):
    assert conjunction([conditions(*one), conditions(*other)]) == conditions(*together)
    assert conjunction([conditions(*other), conditions(*one)]) == conditions(*together)


def test_the_merged_argument_is_sorted():
    assert both(((("b", "a"),), (("c",), ("a",)))) == (("a", "b"),)


@pytest.mark.parametrize(
    ("condition", "other", "holds"),
    [
        (["ab"], ["a"], True),
        (["a"], ["ab"], False),
        (["a", "b"], ["a"], False),
        (["a"], ["a", "b"], True),
        (["a"], [], True),
        ([], ["a"], False),
    ],
)
def test_implication(condition, other, holds):
    assert implies(conditions(*condition), conditions(*other)) is holds
