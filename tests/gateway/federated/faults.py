"""Faults to plant: what a planner could do wrong, done to its plans or to what it reads.

Each is a mistake that keeps a plan well-formed. `test_faults.py` asks whether random federations
would have found it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gateway.planning.plan import (
    ConditionNode,
    EntityCall,
    FetchNode,
    Key,
    OnTypes,
    ParallelNode,
    PlanNode,
    QueryPlan,
    Representation,
    RequiredField,
    RequiredFragment,
    SequenceNode,
)

Misplan = Callable[[QueryPlan], QueryPlan]
Misread = Callable[[str], str]
Requirements = tuple[RequiredField | RequiredFragment, ...]


def _in_nodes(change: Callable[[PlanNode], PlanNode | None]) -> Misplan:
    """The change at every node, from the leaves up; a node changed to None is left out."""

    def visit(node: PlanNode | None) -> PlanNode | None:
        match node:
            case SequenceNode(nodes) | ParallelNode(nodes):
                kept = tuple(new for each in nodes if (new := visit(each)) is not None)
                node = type(node)(kept)
            case ConditionNode(variable, if_true, if_false):
                node = ConditionNode(variable, visit(if_true), visit(if_false))
        return None if node is None else change(node)

    return lambda plan: QueryPlan(visit(plan.node))


def _in_fetches(change: Callable[[FetchNode], PlanNode | None]) -> Misplan:
    return _in_nodes(lambda node: change(node) if isinstance(node, FetchNode) else node)


def _in_calls(change: Callable[[EntityCall], EntityCall]) -> Misplan:
    return _in_fetches(
        lambda fetch: replace(fetch, entities=tuple(change(each) for each in fetch.entities))
    )


def _in_representations(change: Callable[[Representation], Representation]) -> Misplan:
    return _in_calls(
        lambda call: replace(
            call, representations=tuple(change(each) for each in call.representations)
        )
    )


def _in_required(change: Callable[[RequiredField], RequiredField]) -> Misplan:
    def visit(fields: Requirements) -> Requirements:
        return tuple(
            change(replace(each, selections=visit(each.selections)))
            if isinstance(each, RequiredField)
            else replace(each, selections=visit(each.selections))
            for each in fields
        )

    return _in_representations(lambda shown: replace(shown, fields=visit(shown.fields)))


def _in_documents(pattern: str, text: str, count: int = 0) -> Misplan:
    return _in_fetches(
        lambda fetch: replace(fetch, document=re.sub(pattern, text, fetch.document, count=count))
    )


def _without_requirement(shown: Representation) -> Representation:
    named = {each.name for each in shown.fields if isinstance(each, RequiredField)}
    needed = sorted(named - {*shown.keys, "__typename"})[:1]
    fields = tuple(
        each
        for each in shown.fields
        if not (isinstance(each, RequiredField) and each.name in needed)
    )
    return replace(shown, fields=fields)


def _reversed(node: PlanNode) -> PlanNode:
    return SequenceNode(node.nodes[::-1]) if isinstance(node, SequenceNode) else node


def _at_once(node: PlanNode) -> PlanNode:
    return ParallelNode(node.nodes) if isinstance(node, SequenceNode) else node


def _without_the_last(kind: type[SequenceNode | ParallelNode], node: PlanNode) -> PlanNode:
    return kind(node.nodes[:-1]) if isinstance(node, kind) else node


def _inverted(node: PlanNode) -> PlanNode:
    if isinstance(node, ConditionNode):
        return ConditionNode(node.variable, node.if_false, node.if_true)
    return node


def _never(node: PlanNode) -> PlanNode | None:
    return None if isinstance(node, ConditionNode) else node


def _swapped(fetch: FetchNode) -> FetchNode:
    keys = [each.response_key for each in fetch.entities][::-1]
    swapped = zip(fetch.entities, keys, strict=True)
    return replace(fetch, entities=tuple(replace(each, response_key=key) for each, key in swapped))


def _narrowed(call: EntityCall) -> EntityCall:
    targets = tuple(
        tuple(
            replace(step, types=step.types[:1]) if isinstance(step, OnTypes) else step for step in p
        )
        for p in call.targets
    )
    return replace(call, targets=targets)


def _too_high(call: EntityCall) -> EntityCall:
    if call.contexts:
        # What encloses it would not even be there to read.
        return call
    deep = [path for path in call.targets if sum(isinstance(step, Key) for step in path) > 1]
    return replace(call, targets=tuple(path[:1] if path in deep else path for path in call.targets))


MISPLANS: dict[str, Misplan] = {
    "a requirement is not sent": _in_representations(_without_requirement),
    "a key is not sent": _in_representations(
        lambda shown: replace(shown, fields=shown.fields[1:], keys=())
    ),
    "the wrong type is sent": _in_representations(lambda shown: replace(shown, typename="Other")),
    "the first type alone is sent": _in_calls(
        lambda call: replace(call, representations=call.representations[:1])
    ),
    "a requirement is read at its name and not at its alias": _in_required(
        lambda needed: replace(needed, response_key=needed.name)
    ),
    "below a requirement something else is read": _in_required(
        lambda needed: (
            replace(needed, response_key="__typename") if needed.name == "common" else needed
        )
    ),
    "a place is forgotten": _in_calls(lambda call: replace(call, targets=call.targets[1:])),
    "a place is looked for too high": _in_calls(_too_high),
    "a place is looked for in one type alone": _in_calls(_narrowed),
    "two calls of one request are taken for each other": _in_fetches(_swapped),
    "what follows starts at once": _in_nodes(_at_once),
    "what follows comes first": _in_nodes(_reversed),
    "the last step is forgotten": _in_nodes(partial(_without_the_last, SequenceNode)),
    "one of several is forgotten": _in_nodes(partial(_without_the_last, ParallelNode)),
    "a condition is inverted": _in_nodes(_inverted),
    "what depends on a condition is left out": _in_nodes(_never),
    "the client's variables are not passed on": _in_fetches(
        lambda fetch: replace(fetch, variables=())
    ),
    "an argument is lost": _in_documents(r"\(n: ?\d\)", ""),
    "an argument of a requirement is another": _in_documents(r"\(n: ?3\)", "(n:4)"),
    "types are not asked for": _in_documents(r"\b__typename\b", "__t:__typename"),
    "a field is another's": _in_documents(r"\bf0\b(?!:)", "f0:__typename"),
}
"""What is done to plans, by what is wrong with them."""

MISREADS: dict[str, Misread] = {
    "a requirement is not seen": partial(re.sub, r', requires: "[^"]*"', ""),
    "an external field is taken for the subgraph's own": partial(re.sub, r", external: true", ""),
    "an interface object is taken for an interface": partial(
        re.sub, r", isInterfaceObject: true", ""
    ),
    "a key is taken for another": partial(re.sub, r'key: "code"', 'key: "id"'),
}
"""What is done to the supergraph before it is planned with."""
