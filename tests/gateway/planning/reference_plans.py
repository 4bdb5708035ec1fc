"""Count what reference plans cost, to compare ours with."""

import json
import re

from gateway.planning.plan import (
    ConditionNode,
    FetchNode,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
)

Weight = tuple[int, int]
"""Requests, and how many of them one after the other."""


def weigh(plan: QueryPlan) -> Weight:
    return _weigh(plan.node) if plan.node else (0, 0)


def weigh_hive(text: str) -> Weight:
    node = json.loads(text).get("node")
    return _weigh_hive(node) if node else (0, 0)


def weigh_apollo(text: str) -> Weight:
    """Apollo prints plans; what stands in braces without a word before it is a selection."""
    open_: list[tuple[str, list[Weight]]] = [("", [])]
    words = r"(Sequence|Parallel|Flatten|Fetch|Include|Skip|QueryPlan)\b[^{}]*\{|([{}])"
    for word, brace in re.findall(words, text):
        if word or brace == "{":
            open_.append((word, []))
            continue
        closed, inner = open_.pop()
        if closed == "Fetch":
            open_[-1][1].append((1, 1))
        elif closed and inner:
            open_[-1][1].append(_sequence(inner) if closed == "Sequence" else _parallel(inner))
    return _parallel(open_[0][1])


def _weigh(node: PlanNode) -> Weight:
    match node:
        case FetchNode():
            return 1, 1
        case SequenceNode():
            return _sequence([_weigh(each) for each in node.nodes])
        case ParallelNode():
            return _parallel([_weigh(each) for each in node.nodes])
        case ConditionNode():
            return _parallel([_weigh(each) for each in (node.if_true, node.if_false) if each])


def _weigh_hive(node: dict) -> Weight:
    match node["kind"]:
        case "Fetch" | "BatchFetch":
            return 1, 1
        case "Flatten":
            return _weigh_hive(node["node"])
        case "Sequence":
            return _sequence([_weigh_hive(each) for each in node["nodes"]])
        case "Parallel":
            return _parallel([_weigh_hive(each) for each in node["nodes"]])
        case "Condition":
            branches = (node.get("ifClause"), node.get("elseClause"))
            return _parallel([_weigh_hive(each) for each in branches if each])
    raise AssertionError(node["kind"])


def _sequence(weights: list[Weight]) -> Weight:
    return sum(requests for requests, _ in weights), sum(depth for _, depth in weights)


def _parallel(weights: list[Weight]) -> Weight:
    return sum(requests for requests, _ in weights), max((depth for _, depth in weights), default=0)
