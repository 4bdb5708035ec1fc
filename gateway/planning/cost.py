"""What a plan costs at most: requests to subgraphs, and how many must follow one another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.planning.plan import (
    ConditionNode,
    DeferNode,
    FetchNode,
    ParallelNode,
    PlanRoot,
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


def _cost(node: PlanRoot | None) -> Cost:
    if node is None:
        return NOTHING
    match node:
        case FetchNode():
            cost = Cost(1, 1)
        case SequenceNode(nodes):
            cost = _in_turn(map(_cost, nodes))
        case SubscriptionNode(primary, rest):
            cost = _in_turn((_cost(primary), _cost(rest)))
        case ParallelNode(nodes):
            cost = _at_once(map(_cost, nodes))
        case DeferNode(primary, deferred):
            # What is deferred waits for some of the primary part at most.
            cost = _in_turn((_cost(primary), _at_once(_cost(each.node) for each in deferred)))
        case ConditionNode(if_true=if_true, if_false=if_false):
            costs = (_cost(if_true), _cost(if_false))
            cost = Cost(max(c.requests for c in costs), max(c.depth for c in costs))
    return cost


def _in_turn(costs: Iterable[Cost]) -> Cost:
    costs = tuple(costs)
    return Cost(sum(c.requests for c in costs), sum(c.depth for c in costs))


def _at_once(costs: Iterable[Cost]) -> Cost:
    costs = tuple(costs)
    return Cost(sum(c.requests for c in costs), max((c.depth for c in costs), default=0))
