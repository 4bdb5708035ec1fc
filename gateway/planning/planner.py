"""The stages of planning, each a value with a type: Paths → FetchGraph → requests → QueryPlan."""

from __future__ import annotations

from dataclasses import replace

from gateway.operation.tree import Operation, OperationKind, Selection
from gateway.planning.choose import choose
from gateway.planning.cost import Cost, plan_cost
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
    try:
        match operation.kind:
            case OperationKind.QUERY:
                return QueryPlan(_plan(operation, query_graph, labels))
            case OperationKind.MUTATION:
                return QueryPlan(_plan_serially(operation, query_graph, labels))
            case OperationKind.SUBSCRIPTION:
                return QueryPlan(_plan_from_one(operation, query_graph, labels))
    except RecursionError:
        raise PlanError("the operation nests too deep to be planned") from None


def _plan(
    operation: Operation,
    query_graph: QueryGraph,
    labels: frozenset[str],
    entry: str | None = None,
) -> PlanNode | None:
    try:
        return _plan_once(operation, query_graph, labels, entry, tell_apart=False)
    except ClashError:
        return _plan_once(operation, query_graph, labels, entry, tell_apart=True)


def _plan_once(
    operation: Operation,
    query_graph: QueryGraph,
    labels: frozenset[str],
    entry: str | None,
    *,
    tell_apart: bool,
) -> PlanNode | None:
    paths = find_paths(operation, query_graph, labels, entry=entry, tell_apart=tell_apart)
    chosen = choose(paths.tree, paths.leaves)
    fetch_graph = build_fetch_graph(paths.tree, chosen, operation.selections)
    return schedule(build_requests(fetch_graph, operation, query_graph))


def _plan_from_one(
    operation: Operation, query_graph: QueryGraph, labels: frozenset[str]
) -> PlanNode | None:
    """What several subgraphs could do must be done, or listened to, in one of them only."""
    plans: list[PlanNode | None] = []
    failure = PlanError(f"no subgraph has {operation.root_type}")
    for entry in query_graph.entries(operation.root_type):
        try:
            plans.append(_plan(operation, query_graph, labels, entry.subgraph))
        except PlanError as error:
            failure = error
    if not plans:
        raise failure
    return min(plans, key=lambda node: _weigh(plan_cost(QueryPlan(node))))


def _weigh(cost: Cost) -> tuple[int, int]:
    return cost.requests + cost.depth, cost.requests


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
            joined = _join(operation, (*together, selection), query_graph, labels)
            if joined is not None and _mutations(joined) == [nodes[-1].subgraph]:
                nodes[-1], together = joined, (*together, selection)
                continue
        node = _plan_from_one(_only(operation, (selection,)), query_graph, labels)
        if node is not None:
            nodes.append(node)
            together = (selection,)
    return sequence(nodes) if nodes else None


def _join(
    operation: Operation,
    together: tuple[Selection, ...],
    query_graph: QueryGraph,
    labels: frozenset[str],
) -> PlanNode | None:
    """None where no subgraph has all of the fields."""
    try:
        return _plan_from_one(_only(operation, together), query_graph, labels)
    except PlanError:
        return None


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
