"""What the reference composer made of 410 sets of subgraphs, and what we make of them."""

import json
from pathlib import Path

import pytest

from gateway.composition import Composed, CompositionError, SubgraphInput, compose
from tests.gateway.composition.comparator import differences
from tests.shared_data import shared_data

# The recorded cases where ours differs, with the reason; anything not listed must be equal.
DIFFERING = json.loads((Path(__file__).parent / "differing_cases.json").read_text())

COMPOSING, REFUSED = 211, 199

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def cases() -> list[dict]:
    lines = shared_data("composition", "cases.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def outcomes(cases) -> dict[str, Composed | CompositionError]:
    return {case["id"]: outcome(inputs(case)) for case in cases}


def inputs(case: dict) -> list[SubgraphInput]:
    return [SubgraphInput(s["name"], s.get("url", ""), s["sdl"]) for s in case["subgraphs"]]


def outcome(subgraphs: list[SubgraphInput]) -> Composed | CompositionError:
    try:
        return compose(subgraphs)
    except CompositionError as error:
        return error


def codes(refusal: CompositionError) -> set[str]:
    return {problem.code for problem in refusal.problems}


def test_supergraphs_are_equal(cases, outcomes):
    composing = [case for case in cases if not case["apollo"]["codes"]]
    unequal = {}
    for case in composing:
        ours = outcomes[case["id"]]
        if isinstance(ours, CompositionError):
            unequal[case["id"]] = sorted(codes(ours))
        elif found := differences(case["apollo"]["supergraph"], ours.sdl):
            unequal[case["id"]] = found
    assert (len(composing), unequal) == (COMPOSING, {})


def test_refusals_have_the_same_codes(cases, outcomes):
    refused = [case for case in cases if case["apollo"]["codes"]]
    composed, other_codes = [], {}
    for case in refused:
        ours = outcomes[case["id"]]
        if isinstance(ours, Composed):
            composed.append(case["id"])
        elif codes(ours) != set(case["apollo"]["codes"]):
            other_codes[case["id"]] = (case["apollo"]["codes"], sorted(codes(ours)))
    assert (len(refused), composed) == (REFUSED, [])
    assert other_codes.keys() == DIFFERING.keys(), other_codes


def test_hints_have_the_same_codes(cases, outcomes):
    """Ours besides: that a protected field cannot be null."""
    for case in cases:
        ours = outcomes[case["id"]]
        if isinstance(ours, Composed):
            found = {hint.code for hint in ours.hints} - {"PROTECTED_FIELD_NOT_NULLABLE"}
            assert found == set(case["apollo"]["hints"]), case["id"]


def test_the_order_of_subgraphs_is_without_effect(cases, outcomes):
    for case in cases:
        turned, ours = outcome(inputs(case)[::-1]), outcomes[case["id"]]
        if isinstance(ours, Composed):
            assert turned == ours
        else:
            assert turned.problems == ours.problems


def test_every_problem_says_where_and_how_to_mend(cases, outcomes):
    for case in cases:
        ours = outcomes[case["id"]]
        for problem in ours.problems if isinstance(ours, CompositionError) else ():
            assert problem.message
            assert problem.mend
            names = {subgraph["name"] for subgraph in case["subgraphs"]}
            assert problem.subgraph in names | {None}
            assert problem.location is None or problem.subgraph is not None
