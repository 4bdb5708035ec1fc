"""What a plan costs at most: requests to subgraphs, and how many must follow one another."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.planning.plan import (
    ConditionNode,
    FetchNode,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
    SubscriptionNode,
)


@dataclass(frozen=True, slots=True)
class Cost:
    requests: int
    depth: int
    """The longest chain of requests of which each waits for the one before."""


NOTHING = Cost(0, 0)


def plan_cost(plan: QueryPlan) -> Cost:
    """Of a condition's branches the dearer one counts; of a subscription, one event."""
    return _cost(plan.node)


def _cost(node: PlanNode | SubscriptionNode | None) -> Cost:
    match node:
        case FetchNode():
            return Cost(1, 1)
        case SequenceNode(nodes):
            costs = [_cost(each) for each in nodes]
            return Cost(sum(c.requests for c in costs), sum(c.depth for c in costs))
        case ParallelNode(nodes):
            costs = [_cost(each) for each in nodes]
            return Cost(sum(c.requests for c in costs), max((c.depth for c in costs), default=0))
        case ConditionNode(if_true=if_true, if_false=if_false):
            costs = [_cost(if_true), _cost(if_false)]
            return Cost(max(c.requests for c in costs), max(c.depth for c in costs))
        case SubscriptionNode(primary, rest):
            costs = [_cost(primary), _cost(rest)]
            return Cost(sum(c.requests for c in costs), sum(c.depth for c in costs))
    return NOTHING
