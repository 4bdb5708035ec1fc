"""Put requests in order: what does not wait for each other runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.operation.tree import Condition
from gateway.planning.plan import ConditionNode, ParallelNode, PlanNode, SequenceNode
from gateway.planning.requests import Request


def schedule(requests: Sequence[Request]) -> PlanNode | None:
    """Requests come in the order of their waves: one waits only for those before it."""
    if not requests:
        return None
    branches = _independent(requests)
    if len(branches) > 1:
        return parallel([node for branch in branches if (node := schedule(branch))])
    steps = {step for request in requests for step in request.steps}
    first = [request for request in requests if not request.needs & steps]
    rest = [request for request in requests if request.needs & steps]
    nodes = [parallel([_under_conditions(request) for request in first]), schedule(rest)]
    return sequence([node for node in nodes if node is not None])


def sequence(nodes: Sequence[PlanNode]) -> PlanNode:
    """One after the other; sequences among them are dissolved."""
    flat: list[PlanNode] = []
    for node in nodes:
        flat.extend(node.nodes if isinstance(node, SequenceNode) else (node,))
    return flat[0] if len(flat) == 1 else SequenceNode(tuple(flat))


def parallel(nodes: Sequence[PlanNode]) -> PlanNode:
    flat: list[PlanNode] = []
    for node in nodes:
        flat.extend(node.nodes if isinstance(node, ParallelNode) else (node,))
    return flat[0] if len(flat) == 1 else ParallelNode(tuple(flat))


def _independent(requests: Sequence[Request]) -> list[list[Request]]:
    """Split into groups of which none waits for another."""
    groups: list[list[Request]] = []
    for request in requests:
        needed = [group for group in groups if any(each.steps & request.needs for each in group)]
        own = [*(each for group in needed for each in group), request]
        groups = [*(group for group in groups if group not in needed), own]
    return groups


def _under_conditions(request: Request) -> PlanNode:
    node: PlanNode = request.node
    for condition in sorted(request.conditions, key=_condition_order, reverse=True):
        node = ConditionNode(
            variable=condition.variable,
            if_true=node if condition.include else None,
            if_false=None if condition.include else node,
        )
    return node


def _condition_order(condition: Condition) -> tuple[str, bool]:
    return condition.variable, condition.include
