"""What the reference composer made of 410 sets of subgraphs, and what we make of them."""

import json
from pathlib import Path

import pytest

from gateway.composition import CompositionError, SubgraphInput, compose
from tests.gateway.composition.comparator import differences
from tests.shared_data import shared_data

# The recorded cases where ours differs, with the reason; anything not listed must be equal.
DIFFERING = json.loads((Path(__file__).parent / "differing_cases.json").read_text())

COMPOSING, REFUSED = 211, 199


@pytest.fixture(scope="module")
def cases() -> list[dict]:
    lines = shared_data("composition", "cases.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def inputs(case: dict) -> list[SubgraphInput]:
    return [SubgraphInput(s["name"], s.get("url", ""), s["sdl"]) for s in case["subgraphs"]]


def outcome(case: dict) -> str | set[str]:
    """The supergraph, or the codes of the refusal."""
    try:
        return compose(inputs(case)).sdl
    except CompositionError as error:
        return {problem.code for problem in error.problems}


@pytest.mark.shared_data
def test_supergraphs_are_equal(cases):
    composing = [case for case in cases if not case["apollo"]["codes"]]
    unequal = {}
    for case in composing:
        ours = outcome(case)
        found = (
            differences(case["apollo"]["supergraph"], ours)
            if isinstance(ours, str)
            else sorted(ours)
        )
        if found and case["id"] not in DIFFERING:
            unequal[case["id"]] = found
    assert (len(composing), unequal) == (COMPOSING, {})


@pytest.mark.shared_data
def test_refusals_have_the_same_codes(cases):
    refused = [case for case in cases if case["apollo"]["codes"]]
    composed, other_codes = [], {}
    for case in refused:
        ours = outcome(case)
        if isinstance(ours, str):
            composed.append(case["id"])
        elif ours != set(case["apollo"]["codes"]) and case["id"] not in DIFFERING:
            other_codes[case["id"]] = (case["apollo"]["codes"], sorted(ours))
    assert (len(refused), composed, other_codes) == (REFUSED, [], {})


@pytest.mark.shared_data
def test_hints_have_the_same_codes(cases):
    """Ours besides: that a protected field cannot be null."""
    for case in cases:
        if not case["apollo"]["codes"]:
            ours = {hint.code for hint in compose(inputs(case)).hints}
            assert ours - {"PROTECTED_FIELD_NOT_NULLABLE"} == set(case["apollo"]["hints"])


@pytest.mark.shared_data
def test_listed_differences_still_differ(cases):
    """A reason must not outlive its difference."""
    by_id = {case["id"]: case for case in cases}
    for case_id in DIFFERING:
        case = by_id[case_id]
        assert outcome(case) != set(case["apollo"]["codes"])


@pytest.mark.shared_data
def test_the_order_of_subgraphs_is_without_effect(cases):
    for case in cases:
        subgraphs = inputs(case)
        if len(subgraphs) > 1:
            assert _said(subgraphs[::-1]) == _said(subgraphs)


def _said(subgraphs: list[SubgraphInput]) -> object:
    try:
        return compose(subgraphs)
    except CompositionError as error:
        return frozenset(error.problems)


@pytest.mark.shared_data
def test_every_problem_says_where_and_how_to_mend(cases):
    for case in cases:
        try:
            compose(inputs(case))
        except CompositionError as error:
            for problem in error.problems:
                assert problem.message
                assert problem.mend
                if problem.location is not None:
                    assert problem.subgraph in {s["name"] for s in case["subgraphs"]}
