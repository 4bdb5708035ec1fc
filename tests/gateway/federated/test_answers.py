"""Whole federations: from the client's document to its answer, through every stage."""

import json

import pytest

from gateway.composition import SubgraphInput, compose
from gateway.execution.wire import encode
from tests.gateway.federated import (
    contexts,
    earlier,
    interfaces,
    keys,
    requires,
    roots,
    unions,
    visibility,
)
from tests.gateway.federated.kit import Case, Federation, Suite

SUITES = [
    module.SUITE
    for module in (contexts, earlier, interfaces, keys, requires, roots, unions, visibility)
]
CASES = [
    pytest.param(suite, case, id=f"{suite.name}: {case.name}")
    for suite in SUITES
    for case in suite.cases
]


@pytest.fixture(params=["composed by Apollo", "composed here"])
def supergraph_of(request):
    """The supergraphs in files were recorded from Apollo's composer."""
    if request.param == "composed by Apollo":
        return lambda suite: suite.supergraph
    return _compose


def _compose(suite: Suite) -> str:
    named = suite.subgraphs.items()
    return compose([SubgraphInput(name, f"http://{name}", each.sdl) for name, each in named]).sdl


@pytest.mark.parametrize(("suite", "case"), CASES)
async def test_the_answer(suite: Suite, case: Case, supergraph_of):
    federation = Federation(suite, supergraph_of(suite))
    answer = await federation.ask(case)
    assert json.loads(encode(answer.data)) == case.data
    assert tuple((error.fault.code, error.path) for error in answer.errors) == case.errors
    assert len(federation.requests) <= case.requests
