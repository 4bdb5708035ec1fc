"""Joining what several fetches say."""

import pytest

from gateway.execution.merge import copy_tree, merge


@pytest.mark.parametrize(
    ("known", "more", "joined"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, {"a": "x"}, {"a": {"b": 1}}),
        ({"a": [{"b": 1}]}, {"a": [{"c": 2}]}, {"a": [{"b": 1, "c": 2}]}),
        ({"a": [{"b": 1}, None]}, {"a": [None, {"c": 2}]}, {"a": [{"b": 1}, {"c": 2}]}),
        ({"a": [[{"b": 1}]]}, {"a": [[{"c": 2}]]}, {"a": [[{"b": 1, "c": 2}]]}),
        ({"a": [1, 2]}, {"a": [3, 4]}, {"a": [3, 4]}),
        ({"a": [{"b": 1}]}, {"a": []}, {"a": [{"b": 1}]}),
        ({"a": [{"b": 1}]}, {"a": {"b": 2}}, {"a": [{"b": 1}]}),
    ],
)
def test_merge(known, more, joined):
    merge(known, more)
    assert known == joined


def test_objects_that_are_there_stay_the_same_objects():
    inner, item = {"b": 1}, {"c": 1}
    known = {"a": inner, "list": [item]}
    merge(known, {"a": {"x": 1}, "list": [{"y": 2}]})
    assert known["a"] is inner
    assert known["list"][0] is item


def test_a_copy_shares_nothing_that_can_change():
    tree = {"a": [{"b": 1}], "c": None}
    copy = copy_tree(tree)
    assert copy == tree
    copy["a"][0]["b"] = 2
    assert tree["a"][0]["b"] == 1
