"""Run a query plan.

The executor knows fetches and places, and nothing of federation directives, identities or headers:
an `Exchange` is given to it that signs, sends and receives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.execution.answers import (
    failed_fetch,
    no_entity,
    passed_on,
    reported_errors,
    wrong_shape,
)
from gateway.execution.client import SubgraphError
from gateway.execution.contexts import collect_in_contexts
from gateway.execution.entities import CollectedCall, collect
from gateway.execution.faults import FetchError
from gateway.execution.merge import copy_tree, merge, rename
from gateway.execution.walk import find
from gateway.execution.wire import SubgraphAnswer, decode_answer, encode
from gateway.operation.tree import OperationKind
from gateway.planning.plan import (
    ConditionNode,
    DeferNode,
    FetchNode,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
    SubscriptionNode,
)

Exchange: TypeAlias = Callable[[str, bytes, OperationKind], Awaitable[bytes]]
"""`await exchange(subgraph, body, kind)` is the answer's body, or raises SubgraphError."""


@dataclass(frozen=True, slots=True)
class Fetched:
    data: dict[str, Any]
    errors: tuple[FetchError, ...]


async def execute(plan: QueryPlan, variables: Mapping[str, Any], exchange: Exchange) -> Fetched:
    """Fetch all that the plan names; what fails is told in `errors` and leaves the rest intact.

    The plan is of a query or a mutation. `variables` are coerced: whoever reads a condition finds
    it there.
    """
    execution = Execution({}, variables, exchange)
    assert not isinstance(plan.node, SubscriptionNode), "events are executed one by one"
    assert not isinstance(plan.node, DeferNode), "parts are executed apart"
    if plan.node is not None:
        await execution.run(plan.node)
    return Fetched(execution.data, tuple(execution.errors))


def subscription_body(node: SubscriptionNode, variables: Mapping[str, Any]) -> bytes:
    """What is sent to the subgraph to listen to it; `variables` are coerced."""
    return _request_body(node.primary, node.primary.document, variables, [])


async def execute_event(
    node: SubscriptionNode,
    event: bytes | SubgraphError,
    variables: Mapping[str, Any],
    exchange: Exchange,
) -> Fetched:
    """Complete one event as if it were the answer to the plan's first fetch."""
    execution = Execution({}, variables, exchange)
    execution.take(node.primary, event)
    if node.rest is not None:
        await execution.run(node.rest)
    return Fetched(execution.data, tuple(execution.errors))


class Execution:
    """The state of one run: fetches of one wave change `data` between each other's awaits."""

    def __init__(
        self,
        data: dict[str, Any],
        variables: Mapping[str, Any],
        exchange: Exchange,
        *,
        earlier: Sequence[Sequence[FetchError]] = (),
        finished: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`earlier` are the errors of other runs that changed the same data, `finished` is told
        the numbers of fetches that are done."""
        self.data = data
        self.errors: list[FetchError] = []
        self._variables = variables
        self._exchange = exchange
        self._earlier = earlier
        self._finished = finished

    async def run(self, node: PlanNode) -> None:
        match node:
            case FetchNode():
                await self._fetch(node)
                if node.number is not None:
                    self._finished(node.number)
            case SequenceNode(nodes):
                for each in nodes:
                    await self.run(each)
            case ParallelNode(nodes):
                async with asyncio.TaskGroup() as wave:
                    for each in nodes:
                        wave.create_task(self.run(each))
            case ConditionNode(variable, if_true, if_false):
                branch = if_true if self._variables[variable] else if_false
                if branch is not None:
                    await self.run(branch)

    def take(self, node: FetchNode, event: bytes | SubgraphError) -> None:
        try:
            if isinstance(event, SubgraphError):
                raise event
            answer = decode_answer(event)
        except SubgraphError as error:
            self.errors.append(failed_fetch(node, (), self.data, error))
            return
        self._absorb_root(node, answer)
        self.errors += reported_errors(node, [], self.data, answer.errors)

    async def _fetch(self, node: FetchNode) -> None:
        unasked: list[CollectedCall] = []
        if node.template is None:
            document, calls = node.document, [collect(call, self.data) for call in node.entities]
        else:
            document, calls, unasked = collect_in_contexts(node, node.template, self.data)
        if self.errors or any(self._earlier):
            known = [error for errors in (*self._earlier, self.errors) for error in errors]
            self.errors += passed_on([*calls, *unasked], self.data, known)
        if node.entities and not any(collected.representations for collected in calls):
            return
        if not find(self.data, node.target):
            return
        body = _request_body(node, document, self._variables, calls)
        try:
            answer = decode_answer(await self._exchange(node.subgraph, body, node.kind))
        except SubgraphError as error:
            self.errors.append(failed_fetch(node, calls, self.data, error))
            return
        if calls:
            self._absorb_entities(node, calls, answer)
        else:
            self._absorb_root(node, answer)
        self.errors += reported_errors(node, calls, self.data, answer.errors)

    def _absorb_root(self, node: FetchNode, answer: SubgraphAnswer) -> None:
        if isinstance(answer.data, dict):
            rename(answer.data, node.renames)
            first, *others = find(self.data, node.target)
            for holder in others:
                merge(holder, copy_tree(answer.data))
            merge(first, answer.data)
        elif not answer.errors:
            self.errors.append(wrong_shape(node, (), self.data))

    def _absorb_entities(
        self, node: FetchNode, calls: list[CollectedCall], answer: SubgraphAnswer
    ) -> None:
        data = answer.data if isinstance(answer.data, dict) else {}
        for collected in calls:
            entities = data.get(collected.call.response_key)
            if isinstance(entities, list) and len(entities) == len(collected.holders):
                for index, entity in enumerate(entities):
                    if isinstance(entity, dict):
                        rename(entity, node.renames)
                        collected.merge_entity(index, entity)
                    elif entity is not None:
                        self.errors.append(no_entity(node, collected, self.data, index))
            elif entities is not None or not answer.errors:
                self.errors.append(wrong_shape(node, (collected,), self.data))


def _request_body(
    node: FetchNode, document: str, variables: Mapping[str, Any], calls: list[CollectedCall]
) -> bytes:
    """https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters"""
    values = {name: variables[name] for name in node.variables if name in variables}
    for collected in calls:
        values[collected.call.variable] = collected.representations
        values.update(collected.values)
    body: dict[str, Any] = {"query": document}
    if node.operation_name is not None:
        body["operationName"] = node.operation_name
    if values:
        body["variables"] = values
    return encode(body)
