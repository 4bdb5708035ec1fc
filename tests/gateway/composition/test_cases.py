"""Every problem and hint by a case of our own; the cases are files."""

import pytest
from graphql import GraphQLSchema, build_schema, lexicographic_sort_schema, print_schema

from gateway.composition import CompositionError, Problem, compose
from gateway.composition.mends import codes
from gateway.federation.api_schema import add_defer
from gateway.federation.supergraph import load_supergraph
from tests.gateway.composition.case_files import Case, read_cases

CASES = read_cases()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case):
    if case.problems:
        with pytest.raises(CompositionError) as raised:
            compose(case.subgraphs, case.contract)
        assert {(p.code, place(p)) for p in raised.value.problems} == case.problems
    else:
        composed = compose(case.subgraphs, case.contract)
        assert {(hint.code, hint.coordinate) for hint in composed.hints} == case.hints
        if case.api:
            api_schema = load_supergraph(composed.sdl).api_schema
            assert text(api_schema) == text(add_defer(build_schema("\n".join(case.api))))


def text(schema: GraphQLSchema) -> str:
    return print_schema(lexicographic_sort_schema(schema))


def place(problem: Problem) -> str:
    location = problem.location
    where = f":{location.line}:{location.column}" if location else ""
    return f"{problem.subgraph or '-'}{where}"


def test_every_code_has_a_case():
    """The one code without a case is of a walk too long to take in a test."""
    provoked = {code for case in CASES for code, _ in case.problems}
    assert codes() - provoked == {"MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED"}
    assert provoked <= codes()
