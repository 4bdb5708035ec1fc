"""The stages of planning, each a value with a type: Paths → FetchGraph → requests → QueryPlan."""

from __future__ import annotations

from dataclasses import replace

from gateway.operation.tree import Operation, OperationKind, Selection
from gateway.planning.choose import choose
from gateway.planning.errors import PlanError
from gateway.planning.fetch_graph import build_fetch_graph
from gateway.planning.paths import find_paths
from gateway.planning.plan import FetchNode, ParallelNode, PlanNode, QueryPlan, SequenceNode
from gateway.planning.query_graph import QueryGraph
from gateway.planning.requests import build_requests
from gateway.planning.schedule import schedule, sequence
from gateway.planning.selected import ClashError


def plan(
    operation: Operation, query_graph: QueryGraph, labels: frozenset[str] = frozenset()
) -> QueryPlan:
    """`labels` are those of the progressive overrides that hold for the request.

    Raises `PlanError` where the supergraph offers no way to a field.
    """
    plan_all = _plan_serially if operation.kind is OperationKind.MUTATION else _plan
    try:
        return QueryPlan(plan_all(operation, query_graph, labels))
    except RecursionError:
        raise PlanError("the operation nests too deep to be planned") from None


def _plan(operation: Operation, query_graph: QueryGraph, labels: frozenset[str]) -> PlanNode | None:
    try:
        return _plan_once(operation, query_graph, labels, tell_apart=False)
    except ClashError:
        return _plan_once(operation, query_graph, labels, tell_apart=True)


def _plan_once(
    operation: Operation, query_graph: QueryGraph, labels: frozenset[str], *, tell_apart: bool
) -> PlanNode | None:
    paths = find_paths(operation, query_graph, labels, tell_apart=tell_apart)
    chosen = choose(paths.tree, paths.leaves)
    fetch_graph = build_fetch_graph(paths.tree, chosen, operation.selections)
    return schedule(build_requests(fetch_graph, operation, query_graph))


def _plan_serially(
    operation: Operation, query_graph: QueryGraph, labels: frozenset[str]
) -> PlanNode | None:
    """Each field of a mutation ends before the next begins.

    Neighbours that one subgraph answers alone go there together: it keeps their order itself.
    https://spec.graphql.org/October2021/#sec-Mutation
    """
    nodes: list[PlanNode] = []
    together: tuple[Selection, ...] = ()
    for selection in operation.selections:
        if nodes and isinstance(nodes[-1], FetchNode):
            joined = _plan(_only(operation, (*together, selection)), query_graph, labels)
            if joined is not None and _mutations(joined) == [nodes[-1].subgraph]:
                nodes[-1], together = joined, (*together, selection)
                continue
        node = _plan(_only(operation, (selection,)), query_graph, labels)
        if node is not None:
            nodes.append(node)
            together = (selection,)
    return sequence(nodes) if nodes else None


def _only(operation: Operation, selections: tuple[Selection, ...]) -> Operation:
    return replace(operation, selections=selections)


def _mutations(node: PlanNode) -> list[str]:
    """The subgraphs that mutate something, as long as nothing decides whether they do."""
    match node:
        case FetchNode(kind=OperationKind.MUTATION):
            return [node.subgraph]
        case SequenceNode() | ParallelNode():
            return [name for each in node.nodes for name in _mutations(each)]
        case _:
            return []
