"""Whole federations: from the client's document to its answer, through every stage."""

import json

import pytest

from gateway.execution.wire import encode
from tests.gateway.federated import (
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
    module.SUITE for module in (earlier, interfaces, keys, requires, roots, unions, visibility)
]
CASES = [
    pytest.param(suite, case, id=f"{suite.name}: {case.name}")
    for suite in SUITES
    for case in suite.cases
]


@pytest.mark.parametrize(("suite", "case"), CASES)
async def test_the_answer(suite: Suite, case: Case):
    federation = Federation(suite)
    answer = await federation.ask(case)
    assert json.loads(encode(answer.data)) == case.data
    assert tuple((error.fault.code, error.path) for error in answer.errors) == case.errors
    assert len(federation.requests) <= case.requests
