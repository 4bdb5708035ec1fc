"""What the side-by-side audit counts as passed, and as another answer."""

import pytest

from tests.node import audit


def outcome(data, errors=0, expected=None):
    test = {"query": "{ a }", "expected": expected or {"data": data}}
    return audit._outcome(test, {"data": data, "errors": errors, "requests": 1})


@pytest.mark.parametrize(
    ("data", "errors", "expected", "passed"),
    [
        ({"a": 1}, 0, {"data": {"a": 1}}, True),
        ({"a": 1}, 0, {"data": {"a": 2}}, False),
        ({"a": None}, 1, {"data": {"a": None}}, True),
        ({"a": None}, 1, {"data": {"a": None}, "errors": False}, False),
        ({"a": None}, 0, {"data": {"a": None}, "errors": True}, False),
        (None, 2, {"errors": True}, True),
    ],
)
def test_a_test_passes_by_its_data_and_by_whether_there_are_errors(data, errors, expected, passed):
    assert outcome(data, errors, expected).passed is passed


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        (outcome({"a": 1, "b": 2}), outcome({"a": 1, "b": 2}), []),
        (outcome({"a": 1, "b": 2}), outcome({"b": 2, "a": 1}), ["order of keys"]),
        (outcome({"a": 1}), outcome({"a": 2}), ["values"]),
        (outcome({"a": None}, errors=1), outcome({"a": None}), ["number of errors"]),
        (outcome({"id": "c-added-0a1"}), outcome({"id": "c-added-2b3"}), []),
    ],
)
def test_an_answer_is_equal_to_the_letter_or_else_listed(mine, other, said):
    assert [row[0] for row in audit._differences(mine, other)] == said


def test_the_page_counts_what_passes_and_lists_what_differs():
    ours = {"suite": [outcome({"a": 1}), outcome({"a": None}, errors=1)]}
    theirs = {"suite": [outcome({"a": 2}, expected={"data": {"a": 1}}), outcome({"a": None})]}
    page = "\n".join(audit._page({"Chartgraph": ours, "another 1.0": theirs}))
    assert "| Chartgraph | 2 of 2 | 1 of 1 | 2 |" in page
    assert "| another 1.0 | 1 of 2 | 0 of 1 | 2 |" in page
    assert "Passes 1 tests; 0 of these answers are ours" in page
    assert "| suite 1 | number of errors | 1 | 0 | not known |" in page
    assert '| suite 0 | `{"a": 2}` | 0 | `{ a }` |' in page
