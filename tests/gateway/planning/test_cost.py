"""A plan's cost: requests add up, parallel ones do not deepen, the dearer branch counts."""

import pytest

from gateway.operation.tree import OperationKind
from gateway.planning.cost import Cost, plan_cost
from gateway.planning.plan import ConditionNode, FetchNode, ParallelNode, QueryPlan, SequenceNode

FETCH = FetchNode("a", OperationKind.QUERY, "{a}", None, ())


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param(None, Cost(0, 0), id="nothing"),
        pytest.param(FETCH, Cost(1, 1), id="one"),
        pytest.param(SequenceNode((FETCH, FETCH)), Cost(2, 2), id="one after another"),
        pytest.param(ParallelNode((FETCH, FETCH, FETCH)), Cost(3, 1), id="side by side"),
        pytest.param(
            SequenceNode((FETCH, ParallelNode((FETCH, SequenceNode((FETCH, FETCH)))))),
            Cost(4, 3),
            id="the longest chain",
        ),
        pytest.param(
            ConditionNode("v", FETCH, SequenceNode((FETCH, FETCH))), Cost(2, 2), id="a condition"
        ),
        pytest.param(ConditionNode("v", FETCH, None), Cost(1, 1), id="one branch"),
    ],
)
def test_cost(node, expected):
    assert plan_cost(QueryPlan(node)) == expected
