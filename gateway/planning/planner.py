"""The stages of planning, each a value with a type: Paths → FetchGraph → requests → QueryPlan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count

from gateway.operation.deferred import deferrals
from gateway.operation.tree import Operation, OperationKind, Selection
from gateway.planning.budget import Budget
from gateway.planning.cost import Cost, plan_cost
from gateway.planning.deferred import choose_in_turn, defer_the_rest
from gateway.planning.errors import PlanError
from gateway.planning.fetch_graph import build_fetch_graph
from gateway.planning.in_parts import in_parts, in_series, primary_of
from gateway.planning.paths import find_paths
from gateway.planning.plan import (
    DeferNode,
    FetchNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
    SubscriptionNode,
)
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
    numbers = count(1) if deferrals(operation.selections) else None
    search = _Search(query_graph, labels, Budget(), numbers)
    try:
        match operation.kind:
            case OperationKind.QUERY:
                return QueryPlan(_plan(operation, search))
            case OperationKind.MUTATION:
                return QueryPlan(_plan_serially(operation, search))
            case OperationKind.SUBSCRIPTION:
                return QueryPlan(_listen(_plan_from_one(operation, search)[1]))
    except RecursionError:
        raise PlanError("the operation nests too deep to be planned") from None


@dataclass(frozen=True, slots=True)
class _Search:
    """What the searches for one operation have in common."""

    query_graph: QueryGraph
    labels: frozenset[str]
    budget: Budget
    numbers: Iterator[int] | None
    """Of fetches, where parts of the answer are deferred."""


def _plan(
    operation: Operation, search: _Search, entry: str | None = None
) -> PlanNode | DeferNode | None:
    try:
        return _plan_once(operation, search, entry, tell_apart=False)
    except ClashError:
        return _plan_once(operation, search, entry, tell_apart=True)


def _plan_once(
    operation: Operation, search: _Search, entry: str | None, *, tell_apart: bool
) -> PlanNode | DeferNode | None:
    parts = deferrals(operation.selections)
    parents = {each.number: each.parent for each in parts}
    paths = find_paths(
        defer_the_rest(operation) if parts else operation,
        search.query_graph,
        search.labels,
        budget=search.budget,
        entry=entry,
        tell_apart=tell_apart,
    )
    chosen = choose_in_turn(paths.tree, paths.leaves, parents)
    fetch_graph = build_fetch_graph(paths.tree, chosen, operation.selections, parents)
    requests = build_requests(fetch_graph, operation, search.query_graph)
    if search.numbers is None:
        return schedule(requests)
    return in_parts(requests, parts, search.numbers)


def _plan_from_one(
    operation: Operation, search: _Search
) -> tuple[str, PlanNode | DeferNode | None]:
    """What several subgraphs could do must be done, or listened to, in one of them only."""
    plans: list[tuple[str, PlanNode | DeferNode | None]] = []
    failure = PlanError(f"no subgraph has {operation.root_type}")
    for entry in search.query_graph.entries(operation.root_type):
        try:
            node = _plan(operation, search, entry.subgraph)
        except PlanError as error:
            failure = error
            continue
        if isinstance(primary_of(node), FetchNode):
            return entry.subgraph, node
        plans.append((entry.subgraph, node))
    if not plans:
        raise failure
    return min(plans, key=lambda each: _weigh(plan_cost(QueryPlan(each[1]))))


def _listen(node: PlanNode | DeferNode | None) -> SubscriptionNode | None:
    """A subscription has one field, so the first request is the one that brings the events.

    https://spec.graphql.org/October2021/#sec-Single-root-field
    """
    match node:
        case None:
            return None
        case FetchNode():
            return SubscriptionNode(node, None)
        case SequenceNode(nodes=(FetchNode() as primary, *rest)):
            return SubscriptionNode(primary, sequence(rest))
    raise PlanError("the events of a subscription come from more than one request")


def _weigh(cost: Cost) -> tuple[int, int]:
    return cost.requests + cost.depth, cost.requests


@dataclass(slots=True)
class _Run:
    """Neighbours among a mutation's fields that go to one subgraph together."""

    entry: str
    selections: list[Selection]
    last: PlanNode | DeferNode
    """The plan of the last of them alone."""


def _plan_serially(operation: Operation, search: _Search) -> PlanNode | DeferNode | None:
    """Each field of a mutation ends before the next begins.

    Neighbours that one subgraph answers alone go there together: it keeps their order itself. Only
    the last of them may bring something along. https://spec.graphql.org/October2021/#sec-Mutation
    """
    runs: list[_Run] = []
    for selection in operation.selections:
        alone = replace(operation, selections=(selection,))
        if runs and isinstance(primary_of(runs[-1].last), FetchNode):
            with suppress(PlanError):
                node = _plan(alone, search, runs[-1].entry)
                if node is not None:
                    runs[-1].selections.append(selection)
                    runs[-1].last = node
                continue
        entry, node = _plan_from_one(alone, search)
        if node is not None:
            runs.append(_Run(entry, [selection], node))
    if search.numbers is not None:
        # Those that were tried out have had numbers too.
        search = replace(search, numbers=count(1))
    nodes = (
        _plan(replace(operation, selections=tuple(run.selections)), search, run.entry)
        for run in runs
    )
    return in_series([node for node in nodes if node is not None])
