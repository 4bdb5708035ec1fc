"""However an operation is deferred, its parts put together are the answer it has undeferred.

`DEFERRED_OPERATIONS=2000` asks that many; a difference names the seed, and `DEFERRED_SEED=…` starts
there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

from graphql import parse, validate

from gateway.execution.client import SubgraphUnavailable
from gateway.execution.deliver import Initial
from gateway.execution.wire import encode
from gateway.incremental import apollo_2022, current
from gateway.operation.deferred import settle
from gateway.operation.tree import Field, Operation, OperationKind, SelectionSet
from gateway.planning.cost import plan_cost
from gateway.planning.plan import (
    ConditionNode,
    DeferNode,
    FetchNode,
    ParallelNode,
    PlanNode,
    QueryPlan,
    SequenceNode,
)
from tests.gateway.federated.deferring import Apollo2022Reader, CurrentReader, Deferrer
from tests.gateway.federated.kit import Federation
from tests.gateway.federated.random_worlds import break_some_fields, build_query, build_world
from tests.gateway.federated.test_random import federate, untold

OPERATIONS = int(os.environ.get("DEFERRED_OPERATIONS", "300"))
FIRST = int(os.environ.get("DEFERRED_SEED", "0"))
EACH = 4
"""Operations over one federation."""
FORMATS = {"current": (current, CurrentReader), "2022": (apollo_2022, Apollo2022Reader)}


def render_error(error: Any) -> dict[str, Any]:
    return {"code": error.fault.code, "path": error.path}


async def read(
    federation: Federation, query: str, variables: Mapping[str, Any], style: str
) -> CurrentReader | Apollo2022Reader:
    module, reader = FORMATS[style][0], FORMATS[style][1]()
    if isinstance(reader, Apollo2022Reader):
        reader.once = frozenset(re.findall(r'label: "(\w+)"', query.partition("fragment ")[0]))
    engine = federation.engine
    document = parse(query)
    assert validate(engine.schema, document) == []
    operation = engine.normalize(document, None, deferring=True)
    parts = engine.run_deferred(operation, variables, federation.send, repeating=style == "2022")
    async with asyncio.timeout(20), aclosing(parts):
        async for part in parts:
            initial = isinstance(part, Initial)
            render = module.render_initial if initial else module.render_subsequent
            reader.read(json.loads(encode(render(part, render_error))))
    assert reader.ended
    return reader


def test_the_parts_together_are_the_answer():
    payloads = Counter()
    for seed in range(FIRST, FIRST + OPERATIONS // EACH):
        random = Random(seed)
        world = build_world(random)
        federation = federate(world)
        for number in range(EACH):
            query = build_query(world, random)
            variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5}
            deferred = Deferrer(random).defer(query)
            expected = world.answer(federation.engine.schema, query, variables)
            style = ("current", "2022")[number % 2]
            where = f"DEFERRED_SEED={seed} ({number}, {style}, {variables}): {deferred}"
            try:
                reader = asyncio.run(read(federation, deferred, variables, style))
            except BaseException as error:
                raise AssertionError(where) from error
            assert reader.errors == [], where
            assert reader.data == json.loads(encode(expected)), where
            payloads[min(reader.payloads, 4)] += 1
    assert payloads[1] < OPERATIONS / 2, "too little was deferred to say anything"
    assert payloads[3] > OPERATIONS / 50, "too little was deferred in turn"


@contextmanager
def all_told() -> Iterator[None]:
    """However many errors there are."""
    with (
        patch.multiple("gateway.execution.project", MAX_ERRORS=10**6, MAX_PLACES=10**6),
        patch("gateway.execution.deliver.MAX_ERRORS", 10**6),
        patch("gateway.execution.answers.MAX_ERRORS_PER_ANSWER", 10**6),
    ):
        yield


@all_told()
def test_each_error_is_told_where_it_is_undeferred():
    """Fields of some rows fail whoever asks: each is told once at its path, and nothing else is."""
    told = 0
    for seed in range(FIRST, FIRST + OPERATIONS // 6):
        random = Random(seed)
        world = build_world(random)
        break_some_fields(world, random)
        engine = (federation := federate(world)).engine
        query = build_query(world, random)
        variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5}
        deferred = Deferrer(random).defer(query)
        style = ("current", "2022")[seed % 2]
        where = f"DEFERRED_SEED={seed} ({style}, {variables}): {deferred}"
        expected = world.execute(engine.schema, query, variables)
        reader = asyncio.run(read(federation, deferred, variables, style))
        operation = engine.normalize(parse(query), None)
        undeferred = asyncio.run(engine.run(operation, variables, federation.send))
        assert reader.data == json.loads(encode(expected.data)), where
        given = Counter((error["code"], tuple(error["path"])) for error in reader.errors)
        wanted = Counter((error.fault.code, error.path) for error in undeferred.errors)
        assert {path for _, path in wanted} == {tuple(e.path) for e in expected.errors or ()}, where
        assert given.keys() == wanted.keys(), where
        # In the draft of 2022 whatever a part brings again fails again.
        assert style == "2022" or given == wanted, where
        told += bool(wanted)
    assert told > OPERATIONS / 30


@all_told()
def test_what_is_lost_is_told_in_some_part():
    """One subgraph is down: each null that should be a value is told of, and no value is."""
    lost = 0
    for seed in range(FIRST, FIRST + OPERATIONS // 6):
        random = Random(seed)
        federation = federate(world := build_world(random))
        query = build_query(world, random)
        variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5}
        deferred = Deferrer(random).defer(query)
        down = random.choice(world.subgraphs)
        federation.send = failing(federation.send, down)
        where = f"DEFERRED_SEED={seed} ({down} is down, {variables}): {deferred}"
        expected = world.answer(federation.engine.schema, query, variables)
        reader = asyncio.run(read(federation, deferred, variables, "current"))
        if reader.failed:
            # Parts that bring nothing at all say so each for itself.
            continue
        told = Counter((error["code"], tuple(error["path"] or ())) for error in reader.errors)
        assert max(told.values(), default=1) == 1, where
        paths = [path for _, path in told]
        assert untold(in_order(reader.data), in_order(expected), paths) == [], where
        lost += bool(told)
    assert lost > OPERATIONS / 30


def in_order(data: Any) -> Any:
    """Parts that come later bring keys that stand before others in the operation."""
    return json.loads(json.dumps(data, sort_keys=True))


def failing(send: Any, down: str) -> Any:
    async def fail(subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        if subgraph == down:
            raise SubgraphUnavailable("down")
        return await send(subgraph, body, kind)

    return fail


def test_the_first_part_is_what_it_would_be_without_the_others():
    """It asks no more, waits for no more, and tells no more, even if nothing else ever answers."""
    asked = Counter()
    for seed in range(FIRST, FIRST + OPERATIONS // 6):
        random = Random(seed)
        federation = federate(world := build_world(random))
        query = Deferrer(random).defer(build_query(world, random))
        variables = {"yes": random.random() < 0.5, "no": random.random() < 0.5, "two": 2}
        engine = federation.engine
        operation = engine.normalize(parse(query), None, deferring=True)
        settled = settle(operation, variables)
        alone = replace(settled, selections=without_deferred(settled.selections))
        node = engine.plan(settled, frozenset()).plan.node
        if not isinstance(node, DeferNode):
            continue
        where = f"DEFERRED_SEED={seed} ({variables}): {query}"
        there = plan_cost(QueryPlan(node.primary))
        assert there == plan_cost(engine.plan(alone, frozenset()).plan), where
        if any(each.template for each in fetches(node.primary)):
            # Its documents are made for each answer, and cannot be told from others.
            continue
        first = asyncio.run(read_first(federation, operation, variables, node))
        expected = asyncio.run(engine.run(alone, variables, federation.send))
        assert json.loads(encode(first.data)) == json.loads(encode(expected.data)), where
        assert (first.errors, expected.errors) == ((), ()), where
        asked[there.requests] += 1
    assert sum(asked.values()) > OPERATIONS / 20
    assert sum(number for requests, number in asked.items() if requests > 1) > OPERATIONS / 50


async def read_first(
    federation: Federation, operation: Operation, variables: Mapping[str, Any], node: DeferNode
) -> Initial:
    """While what is deferred hangs, and is given up in the end."""
    documents = {each.document for each in fetches(node.primary)}
    hanging = 0

    async def send(subgraph: str, body: bytes, kind: OperationKind) -> bytes:
        nonlocal hanging
        document = json.loads(body)["query"]
        if document in documents:
            return await federation.send(subgraph, body, kind)
        hanging += 1
        try:
            await asyncio.Event().wait()
        finally:
            hanging -= 1
        raise AssertionError("it never ends")

    async with asyncio.timeout(20):
        async with aclosing(federation.engine.run_deferred(operation, variables, send)) as parts:
            first = await anext(parts)
    assert hanging == 0
    assert isinstance(first, Initial)
    return first


def without_deferred(selections: SelectionSet) -> SelectionSet:
    return tuple(
        replace(each, selections=without_deferred(each.selections))
        for each in selections
        if isinstance(each, Field) or each.defer is None
    )


def fetches(node: PlanNode | None) -> Iterator[FetchNode]:
    match node:
        case FetchNode():
            yield node
        case SequenceNode(nodes) | ParallelNode(nodes):
            for each in nodes:
                yield from fetches(each)
        case ConditionNode(if_true=if_true, if_false=if_false):
            yield from fetches(if_true)
            yield from fetches(if_false)
