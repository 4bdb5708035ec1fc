"""The canonical text of a plan, for tests, people and `chartgraph plan`.

Documents and representations are printed as they are sent, but spread over lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from graphql import parse, print_ast

from gateway.operation.deferred import Deferral
from gateway.operation.tree import OperationKind
from gateway.planning.plan import (
    ConditionNode,
    DeferNode,
    EntityCall,
    FetchNode,
    Key,
    ParallelNode,
    Path,
    PlanNode,
    QueryPlan,
    RequiredField,
    RequiredFragment,
    SequenceNode,
    SubscriptionNode,
)


def print_plan(plan: QueryPlan) -> str:
    match plan.node:
        case None:
            lines: Iterable[str] = ()
        case SubscriptionNode(primary, rest):
            lines = _block("Subscription", _print_subscription(primary, rest))
        case DeferNode():
            lines = _block("Defer", _print_parts(plan.node))
        case node:
            lines = _print_node(node)
    return "\n".join(["QueryPlan {", *_indented(lines), "}"]) + "\n"


def _print_subscription(primary: FetchNode, rest: PlanNode | None) -> Iterator[str]:
    yield from _block(f"Primary({primary.subgraph})", _print_body(primary))
    if rest is not None:
        yield from _block("Rest", _print_node(rest))


def _print_node(node: PlanNode) -> Iterator[str]:
    match node:
        case FetchNode():
            yield from _print_fetch(node)
        case SequenceNode():
            yield from _block("Sequence", (line for n in node.nodes for line in _print_node(n)))
        case ParallelNode():
            yield from _block("Parallel", (line for n in node.nodes for line in _print_node(n)))
        case ConditionNode():
            if node.if_true is not None:
                yield from _block(f"Include(if: ${node.variable})", _print_node(node.if_true))
            if node.if_false is not None:
                yield from _block(f"Skip(if: ${node.variable})", _print_node(node.if_false))


def _print_parts(node: DeferNode) -> Iterator[str]:
    yield from _block("Primary", _print_node(node.primary) if node.primary else ())
    for each in node.deferred:
        parts = ", ".join(map(_print_part, each.parts))
        after = f" after {', '.join(map(str, each.after))}" if each.after else ""
        yield from _block(f"Deferred({parts}){after}", _print_node(each.node) if each.node else ())


def _print_part(part: Deferral) -> str:
    label = "" if part.label is None else f" {json.dumps(part.label)}"
    parent = f" in {part.parent}" if part.parent else ""
    return f"{part.number}{label}{parent} at {'.'.join(part.path) or 'the root'}"


def _print_fetch(node: FetchNode) -> Iterator[str]:
    kind = "" if node.kind is OperationKind.QUERY else f", {node.kind}"
    number = "" if node.number is None else f"{node.number}: "
    target = f" into {print_path(node.target)}" if node.target else ""
    yield from _block(f"Fetch({number}{node.subgraph}{kind}){target}", _print_body(node))


def _print_body(node: FetchNode) -> Iterator[str]:
    for call in node.entities:
        yield from _print_call(call)
    yield from print_ast(parse(node.document)).splitlines()
    for rename in node.renames:
        path = print_path((*rename.path, Key(rename.alias)))
        yield f"rename {path} to {rename.name}"


def _print_call(call: EntityCall) -> Iterator[str]:
    targets = ", ".join(print_path(path) for path in call.targets)
    yield f"${call.variable} from {targets}"
    for each in call.representations:
        types = "" if each.types == (each.typename,) else f" for {' | '.join(each.types)}"
        keys = f"key {' '.join(each.keys)}"
        yield from _block(f"  {each.typename}{types} ({keys})", _print_required(each.fields), "  ")
    for number, context in enumerate(call.contexts):
        for source in context.sources:
            only = f"<{'|'.join(source.types)}>" if source.types else ""
            head = f"${call.variable}_{number} from {source.levels} above{only}"
            yield from _block(head, _print_required(source.selections))


def _print_required(fields: Iterable[RequiredField | RequiredFragment]) -> Iterator[str]:
    for field in fields:
        if isinstance(field, RequiredFragment):
            yield from _block(
                f"... on {' | '.join(field.types)}", _print_required(field.selections)
            )
        else:
            source = "" if field.name == field.response_key else f" = {field.response_key}"
            if field.selections:
                yield from _block(f"{field.name}{source}", _print_required(field.selections))
            else:
                yield f"{field.name}{source}"


def print_path(path: Path) -> str:
    parts = (
        f".{step.name}" if isinstance(step, Key) else f"<{'|'.join(step.types)}>" for step in path
    )
    return "".join(parts).removeprefix(".")


def _block(head: str, lines: Iterable[str], margin: str = "") -> Iterator[str]:
    yield f"{head} {{"
    yield from (f"{margin}{line}" for line in _indented(lines))
    yield f"{margin}}}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
