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
    branches = independent(requests)
    if len(branches) > 1:
        return parallel([node for branch in branches if (node := schedule(branch))])
    if len(requests) == 1:
        return _under_conditions(requests[0])
    before, after = _cut(requests)
    nodes = [schedule(before), schedule(after)]
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


def independent(requests: Sequence[Request]) -> list[list[Request]]:
    """Split into groups of which none waits for another."""
    groups: list[list[Request]] = []
    for request in requests:
        needed = [group for group in groups if any(each.steps & request.needs for each in group)]
        own = [*(each for group in needed for each in group), request]
        groups = [*(group for group in groups if group not in needed), own]
    return groups


def _cut(requests: Sequence[Request]) -> tuple[list[Request], list[Request]]:
    """Split where whatever comes next waits for all that ends before, so that nobody waits in vain.

    Not every graph has such a place; in one that has none, all wait for the first wave.
    """
    waves = _waves(requests)
    cuts = [(_joined(waves[:n]), _joined(waves[n:])) for n in range(1, len(waves))]
    return next((cut for cut in cuts if _all_wait(*cut)), cuts[0])


def _waves(requests: Sequence[Request]) -> list[list[Request]]:
    waves: list[list[Request]] = []
    for request in requests:
        number = 1 + max(
            (n for n, wave in enumerate(waves) if any(each.steps & request.needs for each in wave)),
            default=-1,
        )
        if number == len(waves):
            waves.append([])
        waves[number].append(request)
    return waves


def _joined(waves: Sequence[Sequence[Request]]) -> list[Request]:
    return [request for wave in waves for request in wave]


def _all_wait(before: Sequence[Request], after: Sequence[Request]) -> bool:
    """Whether each that could begin after the cut needs each that ends the part before it."""
    needed = frozenset[int]().union(*(request.needs for request in before))
    lasts = [request for request in before if not request.steps & needed]
    later = frozenset[int]().union(*(request.steps for request in after))
    nexts = [request for request in after if not request.needs & later]
    return all(last.steps & following.needs for last in lasts for following in nexts)


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
